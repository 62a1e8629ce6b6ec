// Average bit-widths: which groups have 1, 2, 4 or 8 bits. The error of a group with b bits is taken to be as its range
// squared over (2^b - 1)^2, and the sum over groups is to be least for the bits that there are. What one more bit saves
// falls from width to width, so the best bits are found by giving them, dearest first, to whom they save most. That
// order depends on ranges alone, and ranges are bfloat16: counting groups by range replaces sorting them.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "src/codec/stage/sides.h"

namespace cinch::codec {

// A group whose range would be below this is constant and has no bits. Above, no step of 8 bits is below
// kSmallestStep.
constexpr float kSmallestRange = 0x1p-91f;

// A step from one width to the next.
struct Raise {
  int64_t bits;  // more
  double saves;  // error per bit, times the range squared, in units of 1 / (255^2): exact, whatever the range
};
// 1 to 2, 2 to 4, 4 to 8: (1 / (2^a - 1)^2 - 1 / (2^b - 1)^2) / (b - a).
constexpr std::array<Raise, 3> kRaises{{{1, 57800}, {2, 3468}, {4, 72}}};

// Which groups have a raise.
struct Threshold {
  uint32_t range;   // as bfloat16: wider groups do
  uint32_t equals;  // and so do the first of this range
};

// What each group gets, as thresholds: its width depends on its range, and where that is just at a threshold, on its
// place among its equals. allot_rules.h finds them, for kernels too.
class Allotment {
 public:
  // `ranges`: sides of every group for one level, so that a step is a range, 0 or at least kSmallestRange; fewer than
  // 2^32. `bits`: at least one for each of them.
  Allotment(std::span<const Sides> ranges, int64_t bits);

  // Width of the next group, in order: 0, 1, 2, 4 or 8.
  int next(uint16_t range) noexcept;

 private:
  std::array<Threshold, kRaises.size()> thresholds_{};
};

}  // namespace cinch::codec
