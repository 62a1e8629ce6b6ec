/// Tries choices one after the other, those alone that may be better than what is known: at given prices a choice costs
/// the bound and the sum of its regrets at least.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "planner/prices.h"

namespace cinch::planner {

struct Enumeration {
  /// The cheapest choice found that keeps the bounds and costs less than `upper`.
  std::optional<std::vector<int32_t>> choice;
  bool complete = false;  ///< every choice was tried or ruled out, so that this one, or `upper`, is the best there is
};

/// `regrets` at the prices of `bound`. Stops after `work` changes of the bytes at some instant.
Enumeration enumerate(const Compact& compact, const Regrets& regrets, const Bounds& bounds, double bound, double upper,
                      int64_t work);

}  // namespace cinch::planner
