// Minimum and step of a group of values, from its extremes, and which groups have none. For CPU and kernels.
#pragma once

#include <bit>
#include <cstdint>

#include "src/core/float16.h"

namespace cinch::codec {

// Finite values below this magnitude can be coded: no range, step or sum of a group can then overflow.
constexpr float kLargestCoded = 0x1p118f;
// Smaller steps count as zero: the group is constant, and 2^16 / step stays finite.
constexpr float kSmallestStep = 0x1p-100f;

struct alignas(4) Sides {          // a kernel moves both at once
  uint16_t minimum = 0, step = 0;  // bfloat16
};
static_assert(sizeof(Sides) == 4);

// Minimum rounded down and step rounded up to bfloat16, so that [min, max] lies within [minimum, minimum + levels *
// step].
constexpr uint16_t side_minimum(float min) noexcept {
  const uint16_t floor = bf16_floor(min);
  const float low = bf16_to_float(floor);
  if (low >= 0x1p-126f || low <= -0x1p-126f) return floor;
  return min < 0.0f ? 0x8080 : 0;  // -2^-126: no denormals in sides
}
constexpr uint16_t side_step(float step) noexcept { return step >= kSmallestStep ? bf16_ceil(step) : uint16_t{0}; }

// Smallest float that is not below x >= 0. Without a branch: which way it rounds is unpredictable.
constexpr float float_at_least(double x) noexcept {
  const float near = static_cast<float>(x);
  return std::bit_cast<float>(std::bit_cast<uint32_t>(near) + static_cast<uint32_t>(static_cast<double>(near) < x));
}

constexpr Sides make_sides(float min, float max, int levels) noexcept {
  Sides s;
  s.minimum = side_minimum(min);
  s.step = side_step(float_at_least((static_cast<double>(max) - bf16_to_float(s.minimum)) / levels));
  return s;
}

// Floats as integers of the same order (-0 below 0, NaN beyond the infinities).
constexpr int32_t order_key(float x) noexcept {
  const auto bits = std::bit_cast<int32_t>(x);
  return bits ^ ((bits >> 31) & 0x7fffffff);
}
constexpr float from_order_key(int32_t key) noexcept { return std::bit_cast<float>(key ^ ((key >> 31) & 0x7fffffff)); }

// Whether a group with these extremes, as keys, can be coded. NaN of either sign lies beyond the infinities.
constexpr bool is_range(int32_t min, int32_t max) noexcept {
  return min > order_key(-kLargestCoded) && max < order_key(kLargestCoded);
}

// Sides of a group with a value that cannot be coded: it decodes to NaN, which no training loop overlooks. The CPU
// codec declines the tensor instead; a kernel cannot, since nobody waits for its answer.
constexpr Sides kPoisoned{0x7fc0, 0x7fc0};
constexpr bool is_poisoned(Sides s) noexcept { return s.step == kPoisoned.step; }

}  // namespace cinch::codec
