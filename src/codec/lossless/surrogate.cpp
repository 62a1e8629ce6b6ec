#include "src/codec/lossless/surrogate.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include "src/core/float16.h"

namespace cinch::codec {

bool holds(const Predicate& p, double value, bool single) noexcept {
  if (std::isnan(value)) return p.nan_on;
  const double x = single ? static_cast<float>(value) : value;
  const double lo = single ? static_cast<float>(p.lo) : p.lo, hi = single ? static_cast<float>(p.hi) : p.hi;
  switch (p.kind) {
    case PredicateKind::kGreater:
      return x > lo;
    case PredicateKind::kGreaterEqual:
      return x >= lo;
    case PredicateKind::kLess:
      return x < hi;
    case PredicateKind::kLessEqual:
      return x <= hi;
    case PredicateKind::kOpenInterval:
      return lo < x && x < hi;
    case PredicateKind::kClosedInterval:
      return lo <= x && x <= hi;
    case PredicateKind::kAbsGreater:
      return std::abs(x) > lo;
    default:
      return x > 0;
  }
}

uint64_t pattern_of(double value, DType dtype) noexcept {
  switch (dtype) {
    case DType::kFloat32:
      return std::bit_cast<uint32_t>(static_cast<float>(value));
    case DType::kBFloat16:
      return float_to_bf16(static_cast<float>(value));
    case DType::kFloat16:
      return float_to_fp16(static_cast<float>(value));
    default:
      return std::bit_cast<uint64_t>(value);
  }
}

double value_of(uint64_t pattern, DType dtype) noexcept {
  switch (dtype) {
    case DType::kFloat32:
      return std::bit_cast<float>(static_cast<uint32_t>(pattern));
    case DType::kBFloat16:
      return bf16_to_float(static_cast<uint16_t>(pattern));
    case DType::kFloat16:
      return fp16_to_float(static_cast<uint16_t>(pattern));
    default:
      return std::bit_cast<double>(pattern);
  }
}

std::optional<Choice> surrogates(const Predicate& p, DType dtype) noexcept {
  if (p.kind == PredicateKind::kSign) return Choice{pattern_of(0, dtype), pattern_of(1, dtype), pattern_of(-1, dtype)};
  // Plain numbers first, then ones off the bounds by more than any rounding, then their neighbourhood.
  const double wide_lo = std::max(1.0, std::abs(p.lo)), wide_hi = std::max(1.0, std::abs(p.hi));
  const std::array<double, 16> candidates{0.0,
                                          1.0,
                                          -1.0,
                                          p.lo / 2 + p.hi / 2,
                                          p.lo + wide_lo,
                                          p.lo - wide_lo,
                                          p.hi + wide_hi,
                                          p.hi - wide_hi,
                                          2 * wide_lo,
                                          -2 * wide_lo,
                                          2 * wide_hi,
                                          -2 * wide_hi,
                                          p.lo,
                                          p.hi,
                                          65504.0,
                                          -65504.0};
  // Ops differ in whether they round their bounds to the dtype before they compare: all readings must agree.
  Predicate rounded = p;
  rounded.lo = value_of(pattern_of(p.lo, dtype), dtype);
  rounded.hi = value_of(pattern_of(p.hi, dtype), dtype);
  std::optional<uint64_t> off, on;
  for (const double c : candidates) {
    const uint64_t pattern = pattern_of(c, dtype);
    const double v = value_of(pattern, dtype);
    if (!std::isfinite(v)) continue;
    const bool answer = holds(p, v, true);
    if (answer != holds(p, v, false) || answer != holds(rounded, v, true)) continue;
    std::optional<uint64_t>& slot = answer ? on : off;
    if (!slot) slot = pattern;
  }
  if (!off || !on) return std::nullopt;
  return Choice{*off, *on, 0};
}

}  // namespace cinch::codec
