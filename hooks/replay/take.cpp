// What becomes of a replay's result: the sensitivity of its site.
#include <algorithm>
#include <cmath>

#include "hooks/replay/replay.h"
#include "planner/noise_prior.h"

namespace cinch::hooks {
namespace {

// Of the newest measurement: sensitivities move as training goes on, by orders of magnitude when it begins. But each is
// of one draw and one batch, and a plan takes what looks cheapest: with 0.8 U-Nets had 1.3 to 1.5 times the noise that
// was foretold.
constexpr double kNewest = 0.5;

}  // namespace

bool Replay::take_error(const ReplayResult& result, double squared_norm, const std::string& name,
                        MeasuredSensitivity& known) {
  const NodeError& error = result.error;
  if (!error.followed && known.followed == 0) {  // so far it had handed nothing on
    schedule_.follow_next(name);
    return true;
  }
  double gain = known.gain;
  if (error.followed && error.local > 0) {
    const double now = *error.followed / error.local;
    gain = known.followed == 0 ? now : (known.gain + now) / 2;
  }
  const double squared_error = error.near + error.followed.value_or(gain * error.local);
  const double next = squared_error / squared_norm / planner::noise_of(result.need, 1.0, result.relative_error);
  if (!std::isfinite(gain) || !std::isfinite(next)) return false;
  known.gain = gain;
  if (error.local > 0 && error.followed) ++known.followed;
  ++known.replays;
  known.unplayed.clear();
  known.error = std::max(known.error, result.relative_error);
  known.sensitivity += (next - known.sensitivity) * (known.replays == 1 ? 1 : kNewest);
  schedule_.measured(name, error.followed.has_value());
  return true;
}

void Replay::take(const ReplayResult& result, std::optional<double> squared_norm) {
  const std::string& name = (*sites_)[result.site].name;
  MeasuredSensitivity& known = measured_.by_name[name];
  if (!result.unplayed.empty()) {
    const std::string why = result.unplayed.substr(0, result.unplayed.find('\n'));
    if (result.for_good) {
      schedule_.refused(name);
      known.unplayed = why;
    } else if (schedule_.missed(name)) {
      known.unplayed = why;
    }
  } else {
    const bool any = result.error.near + result.error.local > 0;
    const bool taken = squared_norm && any && take_error(result, *squared_norm, name, known);
    if (!taken && schedule_.missed(name))
      known.unplayed = !squared_norm ? "the gradient's norm could not be had"
                       : any         ? "its error is no finite number"
                                     : "its gradient is zero";
  }
  chosen_.erase(name);
}

}  // namespace cinch::hooks
