#include "hooks/replay/sensitivities.h"

#include <cmath>

namespace cinch::hooks {
namespace {

// Of the newest measurement: sensitivities move as training goes on, by orders of magnitude when it begins; but each is
// of one draw and one batch, and a plan takes what looks cheapest.
constexpr double kNewest = 0.7;

}  // namespace

// The gain is the newest alone: so long after the one before, that one says nothing any more. That nothing at all
// reaches the parameters (a branch that was dropped) says nothing of the next time.
bool MeasuredSensitivity::learn(const MeasuredError& measured) {
  if (!measured.followed && followed == 0) return false;
  const bool has_gain = measured.followed && measured.local > 0;
  const double new_gain =
      has_gain && (*measured.followed > 0 || followed == 0) ? *measured.followed / measured.local : gain;
  double new_near = measured.near, new_local = measured.local;
  if (replays > 0 && near + local > 0) {
    new_near = near + kNewest * (new_near - near);
    new_local = local + kNewest * (new_local - local);
  } else if (const double newest = new_near + new_gain * new_local; replays > 0 && newest > 0) {
    // Of an earlier run, whose profile has their sum alone.
    const double share = kNewest + (1 - kNewest) * sensitivity / newest;
    new_near *= share;
    new_local *= share;
  }
  const double sum = new_near + new_gain * new_local;
  if (!std::isfinite(new_gain) || !std::isfinite(sum)) return false;
  near = new_near;
  local = new_local;
  gain = new_gain;
  sensitivity = sum;
  followed += has_gain ? 1 : 0;
  ++replays;
  return true;
}

}  // namespace cinch::hooks
