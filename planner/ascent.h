/// Looks for the best prices.
#pragma once

#include "planner/prices.h"

namespace cinch::planner {

struct Ascent {
  Prices prices;  ///< the best found
  double bound = -std::numeric_limits<double>::infinity();
  int rounds = 0;
};

/// Of all multiples of some prices those with the best bound.
Prices best_multiple(Market& market, const Bounds& bounds, Prices prices);

/// From `start`, at most `rounds` questions. `upper`: cost of a plan that is known, or infinity. `hope`: how much
/// better the bound may become, as a share of it.
Ascent ascend(Market& market, const Compact& compact, const Bounds& bounds, const Prices& start, double upper,
              int rounds, double hope);

}  // namespace cinch::planner
