// The arithmetic of fixed_point: the cells of a channel, the code of a value and back. For the CPU, device and walk.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

#include "cinch/dtype.h"
#include "src/codec/stage/grid.h"
#include "src/core/device_fn.h"
#include "src/core/float16.h"

namespace cinch::codec {

struct alignas(4) ChannelSides {  // a kernel moves both at once
  uint16_t step = 0;              // bfloat16
  uint16_t shift = 1;             // codes below it are of values that are not positive; 1 .. levels - 1
};
static_assert(sizeof(ChannelSides) == 4);

// Sides of a channel with a value that cannot be coded: all of it decodes to NaN. The CPU declines the tensor instead.
constexpr ChannelSides kPoisonedChannel{0x7fc0, 1};

// Values of a channel that are looked at; more of them where channels are few, since there is no other to make up for
// one whose sample misleads.
constexpr int64_t kChannelSample = 512, kTensorSample = 16384;
constexpr int64_t values_looked_at(const Grid& grid) noexcept {
  const int64_t share = kTensorSample / channel_count(grid);
  return share > kChannelSample ? share : kChannelSample;
}

// Cells of a channel with these moments: 2^bits of them, an edge at zero. Where zero is within 3 deviations of the mean
// they span these; elsewhere they reach from one cell beyond zero to the far end.
CINCH_DEVICE_FN ChannelSides channel_cells(double mean, double deviation, int bits, DType dtype) {
  const double levels = 1 << bits, low = mean - 3 * deviation, high = mean + 3 * deviation;
  double step = 6 * deviation / levels;
  if (low >= 0)
    step = high / (levels - 1);
  else if (high <= 0)
    step = -low / (levels - 1);
  // Half of a smaller step could be rounded to zero, and its sign be lost. No value that is coded needs a larger one.
  const double smallest = dtype == DType::kFloat16 ? 0x1p-23 : 0x1p-100, largest = 0x1p120;
  step = step < smallest ? smallest : step > largest ? largest : step;
  ChannelSides s;
  s.step = bf16_ceil(static_cast<float>(step));
  double shift = levels / 2 - std::floor(mean / bf16_to_float(s.step));
  if (low >= 0)
    shift = 1;
  else if (high <= 0)
    shift = levels - 1;
  s.shift = static_cast<uint16_t>(shift < 1 ? 1 : shift > levels - 1 ? levels - 1 : shift);
  return s;
}

// The code of a finite value, `inverse` being 1 / step. The sign is that of the bits: a product may underflow.
template <int kBits>
CINCH_DEVICE_FN uint32_t cell_code(float x, float inverse, float shift) {
  constexpr float kLevels = 1 << kBits;
  const float scaled = x * inverse;
  const float cells = std::floor(scaled > kLevels ? kLevels : scaled < -kLevels ? -kLevels : scaled);
  const float kept = std::bit_cast<int32_t>(x) > 0 ? (cells > 0.0f ? cells : 0.0f) : (cells < -1.0f ? cells : -1.0f);
  const float code = kept + shift;
  return static_cast<uint32_t>(code < 0.0f ? 0.0f : code > kLevels - 1 ? kLevels - 1 : code);
}

CINCH_DEVICE_FN float middle_of_cell(uint32_t code, ChannelSides s) {
  return (static_cast<float>(code) - static_cast<float>(s.shift) + 0.5f) * bf16_to_float(s.step);
}

}  // namespace cinch::codec
