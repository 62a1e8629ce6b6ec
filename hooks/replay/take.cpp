// What becomes of the results of replays: the sensitivities of their sites.
#include <algorithm>
#include <string>

#include "hooks/replay/replay.h"
#include "planner/noise_prior.h"

namespace cinch::hooks {

// Why nothing could be learnt, or empty.
std::string Replay::learn(const ReplayResult& result, MeasuredSensitivity& known, std::optional<double> squared_norm) {
  const NodeError& error = result.error;
  if (!squared_norm) return "the gradient's norm could not be had";
  if (error.near + error.local <= 0) return "its gradient is zero";
  const double unit = *squared_norm * planner::noise_of(result.need, 1.0, result.relative_error);
  MeasuredError measured{error.near / unit, error.local / unit, {}};
  if (error.followed) measured.followed = *error.followed / unit;
  if (!known.learn(measured)) return "its error is no finite number";
  known.unplayed.clear();
  known.error = std::max(known.error, result.relative_error);
  return {};
}

void Replay::take(const ReplayResult& result, std::optional<double> squared_norm) {
  const std::string& name = (*sites_)[result.site].name;
  MeasuredSensitivity& known = measured_.by_name[name];
  chosen_.erase(name);
  if (!result.unplayed.empty()) {
    const std::string why = result.unplayed.substr(0, result.unplayed.find('\n'));
    if (result.for_good) schedule_.refused(name);
    if (result.for_good || schedule_.missed(name)) known.unplayed = why;
  } else if (!result.error.followed && known.followed == 0) {  // so far it had handed nothing on
    schedule_.follow_next(name);
  } else if (const std::string why = learn(result, known, squared_norm); why.empty()) {
    schedule_.measured(name, result.error.followed.has_value());
  } else if (schedule_.missed(name)) {
    known.unplayed = why;
  }
}

}  // namespace cinch::hooks
