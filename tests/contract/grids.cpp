#include "tests/contract/grids.h"

#include <algorithm>

#include "src/core/float16.h"

namespace cinch::testing {
namespace {

// The first of `sizes` that divides n, or 1.
int64_t divisor(int64_t n, std::initializer_list<int64_t> sizes) {
  for (const int64_t size : sizes)
    if (n % size == 0) return size;
  return 1;
}

// Pairs of neighbours, again and again; an odd last one goes on as it is.
float add_in_pairs(std::vector<float> v) {
  while (v.size() > 1) {
    std::vector<float> sums;
    for (size_t k = 0; k < v.size(); k += 2) sums.push_back(k + 1 < v.size() ? v[k] + v[k + 1] : v[k]);
    v = sums;
  }
  return v[0];
}

}  // namespace

SideInfo arranged(Arrangement arrangement, int64_t numel) {
  SideInfo side;
  if (arrangement == Arrangement::kFlat) return side;
  Grid g;
  int64_t rest = numel;
  const auto take = [&](std::initializer_list<int64_t> sizes) {
    const int64_t size = rest > 0 ? divisor(rest, sizes) : 0;
    if (size > 0) rest /= size;
    return size;
  };
  if (arrangement == Arrangement::kVolumes) g.sides[0] = take({4, 3, 5});
  if (arrangement != Arrangement::kTokens) g.sides[1] = take({14, 9, 8, 7, 5, 3, 2});
  g.sides[2] = take({28, 11, 8, 7, 5, 3, 2});
  if (arrangement == Arrangement::kChannelsLast || arrangement == Arrangement::kTokens) {
    g.inner = take({65, 40, 33, 24, 17, 16, 15, 6, 5, 3, 2});
  } else {
    g.channels = std::max<int64_t>(1, divisor(rest, {6, 4, 3, 2}));
  }
  g.outer = rest;
  if (rest == 0) g.channels = 1;
  side.grid = g;
  return side;
}

Grid grid_of(const SideInfo& side, int64_t numel) { return side.grid.value_or(Grid{1, {1, 1, numel}, 1, 1}); }

Place place_of(const Grid& g, int64_t element) {
  Place p{};
  p.i = element % g.inner;
  p.w = element / g.inner % g.sides[2];
  p.h = element / g.inner / g.sides[2] % g.sides[1];
  p.d = element / g.inner / g.sides[2] / g.sides[1] % g.sides[0];
  p.slab = element / g.inner / g.sides[2] / g.sides[1] / g.sides[0];
  p.map = p.slab * g.inner + p.i;
  p.channel = p.slab % g.channels * g.inner + p.i;
  return p;
}

std::vector<float> block_averages(const std::vector<float>& values, const Grid& g, int64_t edge) {
  std::vector<float> out(values.size());
  const auto element = [&](int64_t slab, int64_t d, int64_t h, int64_t w, int64_t i) {
    return static_cast<size_t>((((slab * g.sides[0] + d) * g.sides[1] + h) * g.sides[2] + w) * g.inner + i);
  };
  const auto block = [&](int64_t slab, int64_t d0, int64_t h0, int64_t w0, int64_t i) {
    const int64_t d1 = std::min(d0 + edge, g.sides[0]), h1 = std::min(h0 + edge, g.sides[1]),
                  w1 = std::min(w0 + edge, g.sides[2]);
    std::vector<float> columns(static_cast<size_t>(w1 - w0));
    for (int64_t d = d0; d < d1; ++d)
      for (int64_t h = h0; h < h1; ++h)
        for (int64_t w = w0; w < w1; ++w) columns[static_cast<size_t>(w - w0)] += values[element(slab, d, h, w, i)];
    float average = add_in_pairs(columns) / static_cast<float>((d1 - d0) * (h1 - h0) * (w1 - w0));
    average = std::fabs(average) < 0x1p-126f ? 0.0f : bf16_to_float(float_to_bf16(average));
    for (int64_t d = d0; d < d1; ++d)
      for (int64_t h = h0; h < h1; ++h)
        for (int64_t w = w0; w < w1; ++w) out[element(slab, d, h, w, i)] = average;
  };
  for (int64_t slab = 0; slab < g.outer; ++slab)
    for (int64_t d = 0; d < g.sides[0]; d += edge)
      for (int64_t h = 0; h < g.sides[1]; h += edge)
        for (int64_t w = 0; w < g.sides[2]; w += edge)
          for (int64_t i = 0; i < g.inner; ++i) block(slab, d, h, w, i);
  return out;
}

}  // namespace cinch::testing
