#include "hooks/replay/sensitivities.h"

#include <algorithm>
#include <cmath>

namespace cinch::hooks {
namespace {

// Of the newest measurement: sensitivities move as training goes on, by orders of magnitude when it begins; but each is
// of one draw and one batch, and a plan takes what looks cheapest. And of what a backward's sites have in common, in
// what is known of all sites. Chosen beside 0.3 and 0.5, 0.2 and 0.3 by what steps 121 to 136 of three networks showed,
// in which all sites were followed (docs/decisions.md).
constexpr double kNewest = 0.7;
constexpr double kLevel = 0.5;
// Fewer sites do not tell what they have in common; one that moved further has its own reasons.
constexpr size_t kFewest = 3;
constexpr double kLeastRatio = 1.0 / 16, kMostRatio = 4;

// The gain is the newest alone: so long after the one before, that one says nothing any more. In the first 100 steps of
// a GPT the gains of attention move by factors of 10 to 30, up and down.
double gain_of(const MeasuredSensitivity& known, const MeasuredError& error) {
  return error.followed && error.local > 0 ? *error.followed / error.local : known.gain;
}

double amplified(const MeasuredError& error, double gain) { return error.near + gain * error.local; }

// `common`: by how much all sites of its backward were above what was known.
void learn_one(MeasuredSensitivity& known, const MeasuredError& error, double common) {
  const double gain = gain_of(known, error), near = error.near / common, local = error.local / common;
  if (known.replays == 0) {
    known.near = near;
    known.local = local;
  } else if (known.near + known.local == 0) {  // of an earlier run, whose profile has their sum alone
    const double newest = near + gain * local;
    const double share = newest > 0 ? 1 + (1 - kNewest) * (known.sensitivity / newest - 1) : 1;
    known.near = near * share;
    known.local = local * share;
  } else {
    known.near += kNewest * (near - known.near);
    known.local += kNewest * (local - known.local);
  }
  known.gain = gain;
  known.sensitivity = known.near + gain * known.local;
  if (error.local > 0 && error.followed) ++known.followed;
  ++known.replays;
}

}  // namespace

bool MeasuredSensitivity::can_learn(const MeasuredError& error) const {
  const double new_gain = gain_of(*this, error);
  return (error.followed || followed > 0) && std::isfinite(new_gain) && std::isfinite(amplified(error, new_gain));
}

void Sensitivities::learn(const std::vector<Measurement>& measured) {
  double sum = 0;
  size_t count = 0;
  for (const Measurement& one : measured) {
    const MeasuredSensitivity& known = by_name[one.site];
    if (known.replays == 0 || known.sensitivity <= 0) continue;
    const double now = amplified(one.error, known.followed > 0 ? known.gain : gain_of(known, one.error));
    sum += std::clamp(now / known.sensitivity, kLeastRatio, kMostRatio);
    ++count;
  }
  const double common = count < kFewest ? 1 : sum / static_cast<double>(count);
  for (const Measurement& one : measured) learn_one(by_name[one.site], one.error, common);
  const double level = 1 + kLevel * (common - 1);
  if (level == 1) return;
  for (auto& [site, known] : by_name) {
    known.near *= level;
    known.local *= level;
    known.sensitivity *= level;
  }
}

}  // namespace cinch::hooks
