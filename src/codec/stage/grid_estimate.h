// What estimates may say about maps and blocks from the statistics of a tensor alone. They take values for normal and
// neighbours for strangers: where neighbours resemble each other, block averages leave less than this.
#pragma once

#include <algorithm>
#include <cmath>

#include "src/codec/stage/grid.h"

namespace cinch::codec {

// The share of the variance that block averages leave: 1 - 1 / k for k values, over blocks of all sizes.
inline double residual_share(const Grid& g, int64_t edge) noexcept {
  const Blocks b = blocks_of(g, edge);
  const auto count = static_cast<double>(b.counts[0] * b.counts[1] * b.counts[2]);
  const auto positions = static_cast<double>(slab_positions(g));
  return positions > 0 ? std::max(0.0, 1.0 - count / positions) : 0.0;
}

// Expected range of `count` values of a standard normal distribution; within 3 % above 8 values.
inline double normal_range(double count) noexcept {
  if (count < 2) return 0.0;
  if (count < 8) return 1.128 + 0.83 * std::log(count / 2);
  const double b = std::sqrt(2 * std::log(count));
  const double largest = b - (std::log(std::log(count)) + 2.531) / (2 * b) + 0.577 / b;
  return 2 * largest * (1 - 0.06 / std::log(count));
}

}  // namespace cinch::codec
