// Extremes of the values in a lane, and what a group's sides are made of: the arithmetic that is worth an instruction
// of its own on a GPU, with what the walk does in its place.
#pragma once

#include <cmath>

#include "src/codec/fixed_rate/lanes.h"

namespace cinch::codec {

// Floats as integers of the same order (-0 below 0, NaN beyond the infinities).
constexpr int32_t order_key(float x) noexcept {
  const auto bits = std::bit_cast<int32_t>(x);
  return bits ^ ((bits >> 31) & 0x7fffffff);
}
constexpr float from_order_key(int32_t key) noexcept { return std::bit_cast<float>(key ^ ((key >> 31) & 0x7fffffff)); }

struct KeyRange {
  int32_t low = 0, high = 0;
};

// Whether a group with these extremes can be coded. NaN of either sign lies beyond the infinities.
constexpr bool is_coded_range(KeyRange r) noexcept {
  return r.low > order_key(-kLargestCoded) && r.high < order_key(kLargestCoded);
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
  for (int row = 0; row < kRowsOfLane; ++row) {
    CINCH_UNROLL
    for (int c = 0; c < GroupLanes<T>::kChunks; ++c) {
      CINCH_UNROLL
      for (int i = 0; i < 4; ++i) {
        low = least<T>(low, x.at[row][c].words[i]);
        high = greatest<T>(high, x.at[row][c].words[i]);
      }
    }
  }
  if constexpr (sizeof(T) == 4) {
    return {order_key(std::bit_cast<float>(low)), order_key(std::bit_cast<float>(high))};
  } else {
    const auto half = [](uint32_t word, int i) {
      return order_key(to_float(std::bit_cast<T>(static_cast<uint16_t>(word >> 16 * i))));
    };
    const int32_t low_0 = half(low, 0), low_1 = half(low, 1), high_0 = half(high, 0), high_1 = half(high, 1);
    return {low_0 < low_1 ? low_0 : low_1, high_0 > high_1 ? high_0 : high_1};
  }
}
#else
template <class T>
CINCH_DEVICE_FN KeyRange lane_range(const LaneValues<T>& x) {
  KeyRange range{order_key(x.value(0, 0)), order_key(x.value(0, 0))};
  CINCH_UNROLL
  for (int row = 0; row < kRowsOfLane; ++row) {
    CINCH_UNROLL
    for (int c = 0; c < kColumnsOfLane; ++c) {
      const int32_t key = order_key(x.value(row, c));
      range.low = key < range.low ? key : range.low;
      range.high = key > range.high ? key : range.high;
    }
  }
  return range;
}
#endif

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
