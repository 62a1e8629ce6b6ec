// Extremes of the values in a lane, and what a group's sides are made of: the arithmetic that is worth an instruction
// of its own on a GPU, with what the walk does in its place.
#pragma once

#include <cmath>

#include "src/codec/fixed_rate/lanes.h"

namespace cinch::codec {

// As order keys.
struct KeyRange {
  int32_t low = 0, high = 0;
};

constexpr KeyRange range_of_key(int32_t key) noexcept { return {key, key}; }
constexpr KeyRange joined(KeyRange a, KeyRange b) noexcept {
  return {a.low < b.low ? a.low : b.low, a.high > b.high ? a.high : b.high};
}

// Extremes of words of values, one float32 or two 16-bit floats each. NaN wins, and -0 is below 0.
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
template <class T>
CINCH_DEVICE_FN uint32_t least(uint32_t a, uint32_t b) {
  uint32_t out;
  if constexpr (sizeof(T) == 4)
    asm("min.NaN.f32 %0, %1, %2;" : "=r"(out) : "r"(a), "r"(b));
  else if constexpr (std::is_same_v<T, Bf16>)
    asm("min.NaN.bf16x2 %0, %1, %2;" : "=r"(out) : "r"(a), "r"(b));
  else
    asm("min.NaN.f16x2 %0, %1, %2;" : "=r"(out) : "r"(a), "r"(b));
  return out;
}
template <class T>
CINCH_DEVICE_FN uint32_t greatest(uint32_t a, uint32_t b) {
  uint32_t out;
  if constexpr (sizeof(T) == 4)
    asm("max.NaN.f32 %0, %1, %2;" : "=r"(out) : "r"(a), "r"(b));
  else if constexpr (std::is_same_v<T, Bf16>)
    asm("max.NaN.bf16x2 %0, %1, %2;" : "=r"(out) : "r"(a), "r"(b));
  else
    asm("max.NaN.f16x2 %0, %1, %2;" : "=r"(out) : "r"(a), "r"(b));
  return out;
}

template <class T>
CINCH_DEVICE_FN KeyRange lane_range(const LaneValues<T>& x) {
  uint32_t low = x.at[0][0].words[0], high = low;
  CINCH_UNROLL
  for (int k = 0; k < kPairsOfLane; ++k) {
    CINCH_UNROLL
    for (int row = 0; row < kRows; ++row) {
      CINCH_UNROLL
      for (int i = 0; i < 4; ++i) {
        low = least<T>(low, x.at[k][row].words[i]);
        high = greatest<T>(high, x.at[k][row].words[i]);
      }
    }
  }
  if constexpr (sizeof(T) == 4) {
    return {order_key(std::bit_cast<float>(low)), order_key(std::bit_cast<float>(high))};
  } else {
    const auto half = [](uint32_t word, int i) {
      return order_key(to_float(std::bit_cast<T>(static_cast<uint16_t>(word >> 16 * i))));
    };
    return joined({half(low, 0), half(high, 0)}, {half(low, 1), half(high, 1)});
  }
}
#else
template <class T>
CINCH_DEVICE_FN KeyRange lane_range(const LaneValues<T>& x) {
  KeyRange range{order_key(x.value(0, 0, 0)), order_key(x.value(0, 0, 0))};
  CINCH_UNROLL
  for (int k = 0; k < kPairsOfLane; ++k) {
    CINCH_UNROLL
    for (int row = 0; row < kRows; ++row) {
      CINCH_UNROLL
      for (int c = 0; c < GroupLanes<T>::kValues; ++c)
        range = joined(range, range_of_key(order_key(x.value(k, row, c))));
    }
  }
  return range;
}
#endif

// Extremes of each group, in all of its lanes.
template <class T, class W>
CINCH_DEVICE_FN void group_ranges(const W& w, typename W::template Var<KeyRange>& ranges) {
  CINCH_UNROLL
  for (int mask = 1; mask < GroupLanes<T>::kLanesOfGroup; mask *= 2) {
    typename W::template Var<uint32_t> low, high;
    w.each([&](int lane) {
      low[lane] = static_cast<uint32_t>(ranges[lane].low);
      high[lane] = static_cast<uint32_t>(ranges[lane].high);
    });
    const auto other_low = w.exchange(low, mask), other_high = w.exchange(high, mask);
    w.each([&](int lane) {
      const KeyRange other{static_cast<int32_t>(other_low[lane]), static_cast<int32_t>(other_high[lane])};
      ranges[lane] = joined(ranges[lane], other);
    });
  }
}

// n / kLevels, rounded as a division is: the reciprocal's error is at most half of an ulp, so the product is within one
// of the quotient, and one correction with the exact remainder rounds it correctly (Markstein).
template <int kLevels>
CINCH_DEVICE_FN double divide_by_levels(double n) {
  constexpr double kReciprocal = 1.0 / kLevels;
  const double near = n * kReciprocal;
  return std::fma(std::fma(-near, static_cast<double>(kLevels), n), kReciprocal, near);
}

// The sides that make_sides() makes.
template <int kLevels>
CINCH_DEVICE_FN Sides sides_of(float min, float max) {
  Sides s;
  s.minimum = side_minimum(min);
  const double need = divide_by_levels<kLevels>(static_cast<double>(max) - bf16_to_float(s.minimum));
#if defined(__CUDA_ARCH__)
  s.step = side_step(__double2float_ru(need));
#else
  s.step = side_step(float_at_least(need));
#endif
  return s;
}

// 1 / step, correctly rounded, from an approximation that is off by an ulp or two: a step has 8 bits, so its reciprocal
// lies much farther from the middle between two floats than what the correction leaves.
CINCH_DEVICE_FN float refined_reciprocal(float step, float near) {
  return std::fma(near, std::fma(-step, near, 1.0f), near);
}
CINCH_DEVICE_FN float step_reciprocal(float step) {
#if defined(__CUDA_ARCH__)
  float near;
  asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(near) : "f"(step));
  return refined_reciprocal(step, near);
#else
  return 1.0f / step;
#endif
}

}  // namespace cinch::codec
