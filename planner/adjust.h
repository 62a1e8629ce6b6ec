/// Makes plans of choices that are nearly plans: first within the limits, then as cheap as single changes make them.
#pragma once

#include "planner/prices.h"
#include "planner/state.h"

namespace cinch::planner {

class Adjuster {
 public:
  /// `market` was asked last at the prices that regrets are to be taken from.
  Adjuster(const Compact& compact, const Market& market);

  /// Moves with the least regret for the bytes (and the noise) that they bring down; false where they do not suffice.
  bool repair(State& state, const Bounds& bounds) const;
  /// Cheaper candidates wherever they fit, largest gain first, while the sum of costs stays at or above `floor`.
  void improve(State& state, const Bounds& bounds, double floor) const;

 private:
  const Compact& compact_;
  std::vector<std::vector<double>> regrets_;
};

/// The choice of the lowest peak that single changes reach from the smallest forms.
State smallest_forms(const Compact& compact);
/// No choice has a lower peak.
int64_t lowest_peak_bound(const Compact& compact);

double cost_of(const Compact& compact, const State& state);
bool fits(const State& state, const Bounds& bounds);

}  // namespace cinch::planner
