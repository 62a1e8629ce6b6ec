// The types that cast goes to, as numbers: for the vector kernels, device and walk.
#pragma once

#include <cstdint>

namespace cinch::codec {

enum class Narrow : uint8_t { kBFloat16, kFloat16, kE4M3, kE5M2 };
constexpr int64_t narrow_bytes(Narrow type) noexcept { return type <= Narrow::kFloat16 ? 2 : 1; }

// A floating-point type as a sign, an exponent and a mantissa of so many bits. kWithInfinity: its highest exponent is
// kept for infinities and NaN; without, the highest code alone is NaN, and there is no infinity.
template <int kExponent, int kMantissaBits, bool kWithInfinity, class Code>
struct NarrowFloat {
  using Stored = Code;
  static constexpr bool kInfinity = kWithInfinity;
  static constexpr int kMantissa = kMantissaBits;
  static constexpr int kShift = 23 - kMantissa;
  static constexpr int kBias = (1 << (kExponent - 1)) - 1;
  static constexpr uint32_t kSign = 1u << (kExponent + kMantissa);
  static constexpr uint32_t kInfinityCode = ((1u << kExponent) - 1) << kMantissa;
  static constexpr uint32_t kNan = kInfinity ? kInfinityCode | 1u << (kMantissa - 1) : kSign - 1;
  static constexpr uint32_t kLargest = kInfinity ? kInfinityCode - 1 : kNan - 1;
  static constexpr uint32_t kRebias = static_cast<uint32_t>(127 - kBias);
  static constexpr uint32_t kLargestFloat = (kLargest << kShift) + (kRebias << 23);
  static constexpr uint32_t kSmallestNormalFloat = (kRebias + 1) << 23;
  // The float whose last bit counts what the smallest denormal counts.
  static constexpr uint32_t kDenormalMagic = (kRebias + 1 + kShift) << 23;
};
using BFloat16Type = NarrowFloat<8, 7, true, uint16_t>;
using Float16Type = NarrowFloat<5, 10, true, uint16_t>;
using E4M3Type = NarrowFloat<4, 3, false, uint8_t>;
using E5M2Type = NarrowFloat<5, 2, true, uint8_t>;

}  // namespace cinch::codec
