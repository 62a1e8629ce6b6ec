// Values and round trips that tests of lossy codecs share.
#pragma once

#include <cstdint>
#include <random>
#include <vector>

#include "tests/contract/grids.h"
#include "tests/contract/support.h"

namespace cinch::testing {

constexpr DType kFloats[] = {DType::kFloat32, DType::kBFloat16, DType::kFloat16};

inline std::vector<double> normal_values(int64_t n, double sigma, double mean, uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<double> d(mean, sigma);
  std::vector<double> values(static_cast<size_t>(n));
  for (double& v : values) v = d(random);
  return values;
}

inline Extent extent_of(const Buffer& b, DType dtype) { return {b.data(), b.size() / dtype_bytes(dtype), dtype}; }

// As they come back; empty where the tensor was declined.
inline std::vector<double> coded(const std::vector<double>& values, const Codec& codec, DType dtype,
                                 const SideInfo& side = {}, const CodecContext& context = {}) {
  const Buffer data = floats(values, dtype);
  const auto payload = encode(codec, extent_of(data, dtype), side, context);
  if (!payload) return {};
  const Buffer out = decode(codec, *payload, static_cast<int64_t>(values.size()), dtype);
  std::vector<double> result;
  for (size_t i = 0; i < values.size(); ++i) result.push_back(float_at(out.data(), static_cast<int64_t>(i), dtype));
  return result;
}

// Grids whose sides are no multiples of most blocks: planes, channels_last, tokens, volumes, one row; each of
// `slabs` slabs, or three times as many where there are channels along them.
inline std::vector<SideInfo> odd_grids(int64_t slabs) {
  std::vector<SideInfo> sides;
  for (const Grid& g :
       {Grid{3 * slabs, {1, 13, 27}, 1, 3}, Grid{slabs, {1, 7, 5}, 21, 1}, Grid{slabs, {1, 1, 19}, 40, 1},
        Grid{slabs, {5, 6, 11}, 1, 1}, Grid{3 * slabs, {3, 5, 4}, 3, 3}, Grid{1, {1, 1, 271 * slabs}, 1, 1},
        Grid{slabs, {3, 2, 5}, 16, 1}, Grid{slabs, {1, 3, 13}, 32, 1}, Grid{1, {1, 1, 3}, 1040, 1}}) {
    SideInfo side;
    side.grid = g;
    sides.push_back(side);
  }
  return sides;
}

inline int64_t values_in(const SideInfo& side) {
  const Grid& g = *side.grid;
  return g.outer * g.sides[0] * g.sides[1] * g.sides[2] * g.inner;
}

}  // namespace cinch::testing
