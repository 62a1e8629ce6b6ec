// How the bits of average_bits are given out, for CPU and kernels: from counts of groups by range to the thresholds of
// allot.h. No loop over ranges: what all raises up to a certain one cost follows from how many groups are at least so
// wide, and the first raise that the bits do not cover is found by bisection.
#pragma once

#include <cstdint>

#include "src/codec/fixed_rate/allot.h"
#include "src/core/device_fn.h"

namespace cinch::codec {

// Ranges of groups that are not constant, as bfloat16.
constexpr uint32_t kLowestRange = bf16_ceil(kSmallestRange), kHighestRange = bf16_ceil(2 * kLargestCoded);
constexpr int kRanges = static_cast<int>(kHighestRange - kLowestRange) + 1;
constexpr int kRaiseCount = static_cast<int>(kRaises.size());

// Raise i costs 2^i bits: a shift.
static_assert(kRaiseCount == 3 && kRaises[0].bits == 1 && kRaises[1].bits == 2 && kRaises[2].bits == 4);
CINCH_DEVICE_FN double saves_of(int raise) {
  constexpr double k0 = kRaises[0].saves, k1 = kRaises[1].saves, k2 = kRaises[2].saves;
  return raise == 0 ? k0 : raise == 1 ? k1 : k2;
}
CINCH_DEVICE_FN double root_of_saves(int raise) {
  return raise == 0 ? 240.41630560342617 : raise == 1 ? 58.88972745734182 : 8.48528137423857;
}

// Whether raise a of groups of range r comes before raise b of range s. 32 bits of a product: exact.
CINCH_DEVICE_FN bool comes_before(int a, uint32_t r, int b, uint32_t s) {
  const double x = bf16_to_float(static_cast<uint16_t>(r)), y = bf16_to_float(static_cast<uint16_t>(s));
  const double first = saves_of(a) * (x * x), second = saves_of(b) * (y * y);
  return first > second || (first == second && a < b);
}

// The lowest range whose raise a does not come after raise b of range s. A product with a root is off by one range at
// most.
CINCH_DEVICE_FN uint32_t lowest_not_after(int a, int b, uint32_t s) {
  if (a == b) return s;
  const double ratio = root_of_saves(b) * (1.0 / root_of_saves(a));
  const double near = bf16_to_float(static_cast<uint16_t>(s)) * ratio;
  const uint32_t range = bf16_ceil(static_cast<float>(near));
  if (comes_before(a, range - 1, b, s)) return range - 1;
  return comes_before(a, range, b, s) ? range : range + 1;
}

// Bits of the raises that are open (bit i of the mask), up to and with raise i of groups of this range.
// at_least(range): how many groups are of that range or a wider one; it is asked for ranges beyond both ends, too.
template <class AtLeast>
CINCH_DEVICE_FN int64_t cost_up_to(const AtLeast& at_least, unsigned open, int raise, uint32_t range) {
  int64_t bits = 0;
  CINCH_UNROLL
  for (int i = 0; i < kRaiseCount; ++i)
    if ((open >> i & 1) != 0) bits += int64_t{at_least(lowest_not_after(i, raise, range))} << i;
  return bits;
}

// put(raise, threshold) for each of them, perhaps twice. highest(holds): the widest range for which holds(range), which
// is then so for all narrower ones; 0 where there is none. `bits`: at least one for each group.
template <class AtLeast, class Highest, class Put>
CINCH_DEVICE_FN void find_thresholds(const AtLeast& at_least, int64_t bits, const Highest& highest, const Put& put) {
  CINCH_UNROLL
  for (int i = 0; i < kRaiseCount; ++i) put(i, Threshold{});
  int64_t left = bits - int64_t{at_least(kLowestRange)};
  // A raise that the bits do not cover is closed at the range where it was due; what is left may buy cheaper ones.
  for (unsigned open = (1u << kRaiseCount) - 1; open != 0;) {
    int next = -1;
    uint32_t at = 0;
    CINCH_UNROLL
    for (int i = 0; i < kRaiseCount; ++i) {
      if ((open >> i & 1) == 0) continue;
      const uint32_t range = highest([&](uint32_t r) { return cost_up_to(at_least, open, i, r) > left; });
      if (range != 0 && (next < 0 || comes_before(i, range, next, at))) next = i, at = range;
    }
    if (next < 0) return;
    const uint32_t wider = at_least(at + 1), there = at_least(at) - wider;
    const int64_t before = cost_up_to(at_least, open, next, at) - (int64_t{there} << next);
    const auto equals = static_cast<uint32_t>((left - before) >> next);
    put(next, Threshold{at, equals});
    left -= (int64_t{wider} + equals) << next;
    open &= ~(1u << next);
  }
}

}  // namespace cinch::codec
