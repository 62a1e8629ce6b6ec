/// A problem for one objective, with what cannot matter left out: instants that another one is never below, candidates
/// that another one beats in everything.
#pragma once

#include <cstdint>
#include <vector>

#include "cinch/budget.h"
#include "planner/problem.h"

namespace cinch::planner {

/// What is minimised: the objective itself, and with a weight too small to change it what breaks ties.
struct Costs {
  Objective objective = Objective::kLeastNoise;
  double tie_weight = 0;  ///< of seconds for kLeastNoise, of noise for the others
  double most_ties = 0;   ///< no choice has a larger sum of them

  double main(const Candidate& c) const;
  double tie(const Candidate& c) const { return objective == Objective::kLeastNoise ? c.seconds : c.noise; }
  double of(const Candidate& c) const { return main(c) + tie_weight * tie(c); }
};

struct Compact {
  Problem problem;                ///< candidates of each item in an order that does not depend on the profile's
  std::vector<int32_t> instants;  ///< of its timeline, as indices into the whole one
  Costs costs;
  /// Candidates noisier than this are left out; infinity for kLeastNoise, whose plans are compared with it afterwards.
  double noise_bound = std::numeric_limits<double>::infinity();
};

/// Of each item the cheapest candidate that serves wherever `options[i]` of its payload does.
std::vector<int32_t> translate(const Compact& compact, const Problem& problem, const std::vector<int32_t>& options);

Compact make_compact(const Problem& problem, Objective objective, double noise_bound);

}  // namespace cinch::planner
