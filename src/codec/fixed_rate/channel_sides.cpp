#include "src/codec/fixed_rate/channel_sides.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "src/codec/stage/chunk.h"

namespace cinch::codec {
namespace {

struct Sums {
  int64_t count = 0;
  double origin = 0, sum = 0, squares = 0;

  // About the first value: a large mean must not drown the variance.
  void add(double v) noexcept {
    if (count++ == 0) origin = v;
    sum += v - origin;
    squares += (v - origin) * (v - origin);
  }
};

// Values in runs, for the sake of caches, that start at even distances among all positions of the channel.
template <class T>
Sums sample(const T* data, const Grid& g, int64_t channel) noexcept {
  const int64_t positions = slab_positions(g), run = g.inner == 1 ? std::min<int64_t>(16, positions) : 1;
  const int64_t total = g.outer / g.channels * positions;
  const int64_t runs = std::min(kChannelSample / run, ceil_div(total, run)), stride = total / runs;
  const int64_t slab_stride = g.channels * positions * g.inner;
  const T* base = data + channel / g.inner * positions * g.inner + channel % g.inner;
  Sums sums;
  for (int64_t r = 0, slab = 0, at = 0; r < runs; ++r) {
    const T* from = base + slab * slab_stride + std::min(at, positions - run) * g.inner;
    for (int64_t i = 0; i < run; ++i) {
      T value;
      std::memcpy(&value, from + i, sizeof value);
      sums.add(to_float(value));
    }
    slab += stride / positions;
    at += stride % positions;
    if (at >= positions) at -= positions, ++slab;
  }
  return sums;
}

template <class T>
bool sides_of(const void* data, const Grid& g, int bits, DType dtype, int64_t first, int64_t last,
              ChannelSides* sides) noexcept {
  for (int64_t c = first; c < last; ++c) {
    const Sums s = sample(static_cast<const T*>(data), g, c);
    const double mean = s.sum / static_cast<double>(s.count);
    const double variance = s.squares / static_cast<double>(s.count) - mean * mean;
    if (!std::isfinite(s.squares)) return false;
    sides[c] = channel_cells(s.origin + mean, std::sqrt(std::max(0.0, variance)), bits, dtype);
  }
  return true;
}

}  // namespace

ChannelSides channel_cells(double mean, double deviation, int bits, DType dtype) noexcept {
  const double levels = 1 << bits, low = mean - 3 * deviation, high = mean + 3 * deviation;
  double step = 6 * deviation / levels;
  if (low >= 0)
    step = high / (levels - 1);
  else if (high <= 0)
    step = -low / (levels - 1);
  // Half of a smaller step could be rounded to zero, and its sign be lost. No value that is coded needs a larger one.
  const double smallest = dtype == DType::kFloat16 ? 0x1p-23 : 0x1p-100;
  ChannelSides s;
  s.step = bf16_ceil(static_cast<float>(std::clamp(step, smallest, 0x1p120)));
  double shift = levels / 2 - std::floor(mean / bf16_to_float(s.step));
  if (low >= 0)
    shift = 1;
  else if (high <= 0)
    shift = levels - 1;
  s.shift = static_cast<uint16_t>(std::clamp(shift, 1.0, levels - 1));
  return s;
}

bool channel_sides(const Extent& in, const Grid& grid, int bits, int64_t first, int64_t last,
                   ChannelSides* sides) noexcept {
  switch (in.dtype) {
    case DType::kFloat32:
      return sides_of<float>(in.data, grid, bits, in.dtype, first, last, sides);
    case DType::kBFloat16:
      return sides_of<Bf16>(in.data, grid, bits, in.dtype, first, last, sides);
    default:
      return sides_of<Fp16>(in.data, grid, bits, in.dtype, first, last, sides);
  }
}

}  // namespace cinch::codec
