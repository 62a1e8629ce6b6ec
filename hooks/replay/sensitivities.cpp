#include "hooks/replay/sensitivities.h"

#include <algorithm>
#include <cmath>

namespace cinch::hooks {
namespace {

// Of the newest measurement: sensitivities move as training goes on, by orders of magnitude when it begins; but each is
// of one draw and one batch, and a plan takes what looks cheapest.
constexpr double kNewest = 0.7;
// At most so much of what a backward's sites have in common goes into what is known of all sites, and no more than the
// share of them that it measured: a few do not tell much of the others.
constexpr double kLevel = 0.5;
// Fewer sites do not tell what they have in common; one that moved further has its own reasons.
constexpr double kFewest = 3;
constexpr double kLeastRatio = 1.0 / 16, kMostRatio = 4;

// The gain is the newest alone: so long after the one before, that one says nothing any more. Nothing at all reaches
// the parameters where a branch was dropped, which says nothing of the next time.
double gain_of(const MeasuredSensitivity& known, const MeasuredError& error) {
  const bool says = error.followed && error.local > 0 && (*error.followed > 0 || known.followed == 0);
  return says ? *error.followed / error.local : known.gain;
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
  return (error.followed || followed > 0) && std::isfinite(new_gain) && std::isfinite(amplified(error, new_gain)) &&
         std::isfinite(new_gain * local);
}

void Sensitivities::learn(const std::vector<Measurement>& measured, uint64_t leaves) {
  double sum = 0, count = 0;
  for (const Measurement& one : measured) {
    const MeasuredSensitivity& known = by_name[one.site];
    if (known.replays == 0 || known.leaves != leaves) continue;
    const double ratio =
        amplified(one.error, known.followed > 0 ? known.gain : gain_of(known, one.error)) / known.sensitivity;
    if (!std::isfinite(ratio)) continue;
    sum += std::clamp(ratio, kLeastRatio, kMostRatio);
    ++count;
  }
  const double common = count < kFewest ? 1 : sum / count;
  for (const Measurement& one : measured) {
    learn_one(by_name[one.site], one.error, common);
    by_name[one.site].leaves = leaves;
  }
  // What cannot be measured any more would only drift: the mean of many levels is 1, their product is not.
  const auto has_level = [&](const MeasuredSensitivity& known) {
    return known.replays > 0 && known.leaves == leaves && known.unplayed.empty();
  };
  const auto all = static_cast<double>(std::ranges::count_if(
      by_name, has_level, [](const auto& item) -> const MeasuredSensitivity& { return item.second; }));
  if (common == 1 || all == 0) return;
  const double level = 1 + std::min(kLevel, count / all) * (common - 1);
  for (auto& [site, known] : by_name) {
    if (!has_level(known)) continue;
    known.near *= level;
    known.local *= level;
    known.sensitivity *= level;
  }
}

}  // namespace cinch::hooks
