// What becomes of the results of replays: the sensitivities of their sites.
#include <algorithm>
#include <utility>

#include "hooks/replay/replay.h"
#include "planner/noise_prior.h"

namespace cinch::hooks {

// What its site can learn from, or nothing.
std::optional<Measurement> Replay::measurement_of(const ReplayResult& result, const std::string& name,
                                                  std::optional<double> squared_norm) {
  MeasuredSensitivity& known = measured_.by_name[name];
  const NodeError& error = result.error;
  std::string why;
  if (!squared_norm) {
    why = "the gradient's norm could not be had";
  } else if (error.near + error.local <= 0) {
    why = "its gradient is zero";
  } else if (!error.followed && known.followed == 0) {  // so far it had handed nothing on
    schedule_.follow_next(name);
    return {};
  } else {
    const double unit = *squared_norm * planner::noise_of(result.need, 1.0, result.relative_error);
    Measurement measured{name, {error.near / unit, error.local / unit, {}}};
    if (error.followed) measured.error.followed = *error.followed / unit;
    if (known.can_learn(measured.error)) return measured;
    why = "its error is no finite number";
  }
  if (schedule_.missed(name)) known.unplayed = why;
  return {};
}

void Replay::take(BackwardRecord& record) {
  const auto squared_norm = record.squared_norm();
  std::vector<Measurement> measured;
  for (const ReplayResult& result : record.take_results()) {
    const std::string& name = (*sites_)[result.site].name;
    MeasuredSensitivity& known = measured_.by_name[name];
    chosen_.erase(name);
    if (!result.unplayed.empty()) {
      const std::string why = result.unplayed.substr(0, result.unplayed.find('\n'));
      if (result.for_good) schedule_.refused(name);
      if (result.for_good || schedule_.missed(name)) known.unplayed = why;
    } else if (auto one = measurement_of(result, name, squared_norm)) {
      known.unplayed.clear();
      known.error = std::max(known.error, result.relative_error);
      schedule_.measured(name, result.error.followed.has_value());
      measured.push_back(*std::move(one));
    }
  }
  measured_.learn(measured, record.leaves_hash());
}

}  // namespace cinch::hooks
