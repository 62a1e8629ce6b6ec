// Where the bytes of a group_quant payload are, and the arithmetic of a group's sides. group_quant.md draws it.
#pragma once

#include <bit>
#include <cstdint>
#include <type_traits>

#include "src/codec/stage/header.h"
#include "src/core/checked.h"
#include "src/core/float16.h"

namespace cinch::codec {

constexpr int64_t kGroup = 256;
constexpr int64_t kColumns = 16;  // element e of a group: row e / 16, column e % 16
constexpr uint32_t kGroupQuantMagic = make_magic('C', 'G', 'Q', '1');
// Finite values below this magnitude can be coded: no range, step or sum of a group can then overflow.
constexpr float kLargestCoded = 0x1p118f;
// Smaller steps count as zero: the group is constant, and 2^16 / step stays finite.
constexpr float kSmallestStep = 0x1p-100f;

struct alignas(4) Sides {          // a kernel moves both at once
  uint16_t minimum = 0, step = 0;  // bfloat16
};
static_assert(sizeof(Sides) == 4);

constexpr int64_t group_count(int64_t numel) noexcept { return ceil_div(numel, kGroup); }
constexpr int64_t code_bytes(int bits) noexcept { return kGroup / 8 * bits; }  // per group
constexpr int64_t sides_offset() noexcept { return kHeaderBytes; }
constexpr int64_t codes_offset(int64_t groups) noexcept {
  return align64(kHeaderBytes + groups * int64_t{sizeof(Sides)});
}
constexpr int64_t group_quant_bytes(int64_t numel, int bits) noexcept {
  const int64_t groups = group_count(numel);
  return codes_offset(groups) + groups * code_bytes(bits);
}

// f(integral constant) for a number of bits.
template <class F>
decltype(auto) with_bits(int bits, F&& f) {
  switch (bits) {
    case 1:
      return f(std::integral_constant<int, 1>());
    case 2:
      return f(std::integral_constant<int, 2>());
    case 4:
      return f(std::integral_constant<int, 4>());
    default:
      return f(std::integral_constant<int, 8>());
  }
}

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

}  // namespace cinch::codec
