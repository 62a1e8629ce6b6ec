#include "tests/contract/pool_indices.h"

#include <random>

namespace cinch::testing {
namespace {

// Positions of a window's cells along one axis that lie in the plane.
std::vector<int64_t> inside(int64_t begin, int64_t count, int64_t step, int64_t size) {
  std::vector<int64_t> positions;
  for (int64_t i = 0; i < count; ++i)
    if (const int64_t at = begin + i * step; at >= 0 && at < size) positions.push_back(at);
  return positions;
}

}  // namespace

std::vector<int64_t> pool_indices(const PoolGeometry& p, uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<int64_t> indices;
  for (int64_t e = 0; e < p.planes * p.out_h * p.out_w; ++e) {
    const int64_t window = p.channels_last ? e / p.channels : e;
    const auto ys = inside(window / p.out_w % p.out_h * p.stride_h - p.pad_h, p.kernel_h, p.dilation_h, p.in_h);
    const auto xs = inside(window % p.out_w * p.stride_w - p.pad_w, p.kernel_w, p.dilation_w, p.in_w);
    indices.push_back(ys.at(random() % ys.size()) * p.in_w + xs.at(random() % xs.size()));
  }
  return indices;
}

}  // namespace cinch::testing
