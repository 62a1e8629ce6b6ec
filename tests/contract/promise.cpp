#include "tests/contract/promise.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <string>

#include "src/codec/stage/header.h"
#include "src/core/read_float.h"
#include "tests/contract/predicate.h"

namespace cinch::testing {
namespace {

// Of the finite values.
struct Reach {
  double low = INFINITY, high = -INFINITY;
  bool finite = true;  // all of them
  double range() const { return high < low ? 0 : high - low; }
  double size() const { return high < low ? 0 : std::max(std::fabs(low), std::fabs(high)); }
};
Reach reach_of(const Extent& in, int64_t begin, int64_t end) {
  Reach r;
  for (int64_t i = begin; i < end; ++i) {
    const double x = read_float(in.data, i, in.dtype);
    if (!std::isfinite(x)) r.finite = false;
    if (!std::isfinite(x)) continue;
    r.low = std::min(r.low, x);
    r.high = std::max(r.high, x);
  }
  return r;
}

// Distances of neighbouring numbers: relative, and the smallest.
double ulp_of(DType dtype) { return dtype == DType::kFloat32 ? 0x1p-22 : dtype == DType::kBFloat16 ? 0x1p-8 : 0x1p-10; }
double least_of(DType dtype) { return dtype == DType::kFloat16 ? 0x1p-24 : 0x1p-126; }

struct Checker {
  const Codec& codec;
  const Extent& in;
  const void* out;

  [[noreturn]] void fail(int64_t i, const std::string& why) const {
    throw BrokenPromise(to_string(codec.spec()) + ", value " + std::to_string(i) + " of " + std::to_string(in.numel) +
                        ": " + std::to_string(x(i)) + " became " + std::to_string(y(i)) + why);
  }
  double x(int64_t i) const { return read_float(in.data, i, in.dtype); }
  double y(int64_t i) const { return read_float(out, i, in.dtype); }
  std::string text(const char* key) const { return codec.spec().get_string(key, ""); }
  double number(const char* key) const { return codec.spec().get_double(key, 0); }

  // What is not finite comes back; finite values are no further off than `most`.
  void within(double most, int64_t begin, int64_t end) const {
    for (int64_t i = begin; i < end; ++i) {
      if (std::isfinite(x(i)) ? std::fabs(x(i) - y(i)) <= most : std::isnan(x(i)) ? std::isnan(y(i)) : x(i) == y(i))
        continue;
      fail(i, ", a bound of " + std::to_string(most));
    }
  }
  void same_bytes() const {
    const auto *a = static_cast<const std::byte*>(in.data), *b = static_cast<const std::byte*>(out);
    if (!std::equal(a, a + in.numel * dtype_bytes(in.dtype), b))
      throw BrokenPromise(to_string(codec.spec()) + ": other bytes came back");
  }
  void bits() const {
    const auto *a = static_cast<const std::byte*>(in.data), *b = static_cast<const std::byte*>(out);
    for (int64_t i = 0; i < in.numel; ++i)
      if (b[i] != (a[i] != std::byte{0} ? std::byte{1} : std::byte{0})) throw BrokenPromise("bits: another answer");
  }
  void mask(const Predicate& p) const {
    if (p.kind == PredicateKind::kTwoValued) return same_bytes();
    for (int64_t i = 0; i < in.numel; ++i)
      if (!std::isfinite(y(i)) || answer(p, x(i), in.dtype) != answer(p, y(i), in.dtype))
        fail(i, ", another answer to " + std::string(to_string(p.kind)));
  }
  void group_quant() const {
    // With an average any group may have got one bit.
    const int64_t bits = number("average_bits") != 0 ? 1 : codec.spec().get_int("bits", 4);
    const auto levels = static_cast<double>((1 << bits) - 1);
    for (int64_t g = 0; g < in.numel; g += 256) {
      const int64_t end = std::min(g + 256, in.numel);
      const Reach r = reach_of(in, g, end);
      const double range = r.range() + std::fabs(r.low) * 0x1p-7 + 0x1p-125;
      const double step = range / levels * (1 + 0x1p-6);
      // Steps below 2^-100 count as none: every value is the minimum.
      const double share = step < 0x1.1p-100 ? levels : text("rounding") == "nearest" ? 0.5 + 0x1p-7 : 1 + 0x1p-7;
      const double most = step * share;
      if (!r.finite) fail(g, " in a group that is not finite");
      within(most + ulp_of(in.dtype) * (r.size() + range) + least_of(in.dtype), g, end);
    }
  }
  // An average lies in its block, and the values of a map are no further from it than its residuals reach.
  void lfc() const {
    const Reach r = reach_of(in, 0, in.numel);
    if (!r.finite) fail(0, " in a tensor that is not finite");
    within(2.1 * r.range() + r.size() * (0x1p-6 + ulp_of(in.dtype)) + least_of(in.dtype), 0, in.numel);
  }
  void pool() const {
    const Reach r = reach_of(in, 0, in.numel);
    if (!r.finite) fail(0, " in a tensor that is not finite");
    const double slack = r.size() * (0x1p-8 + 0x1p-16 + ulp_of(in.dtype)) + 0x1p-126;
    for (int64_t i = 0; i < in.numel; ++i)
      if (!(y(i) >= r.low - slack && y(i) <= r.high + slack)) fail(i, ", no average of these values");
  }
  void fixed_point() const {
    for (int64_t i = 0; i < in.numel; ++i)
      if (!std::isfinite(x(i)) || !std::isfinite(y(i)) || (x(i) > 0) != (y(i) > 0)) fail(i, ", another sign");
  }
  void cast() const {
    struct Type {
      const char* name;
      int mantissa, lowest_exponent;
      double largest;
    };
    static constexpr Type kTypes[] = {
        {"bf16", 7, -126, 0x1.fep127}, {"fp16", 10, -14, 65504}, {"fp8_e4m3", 3, -6, 448}, {"fp8_e5m2", 2, -14, 57344}};
    const Type& type = *std::ranges::find_if(kTypes, [&](const Type& t) { return text("dtype") == t.name; });
    for (int64_t i = 0; i < in.numel; ++i) {
      if (std::isnan(x(i)) || (std::isinf(x(i)) && text("dtype") == "fp8_e4m3")) {
        if (!std::isnan(y(i))) fail(i, " instead of NaN");
        continue;
      }
      const int exponent =
          x(i) == 0 || std::isinf(x(i)) ? type.lowest_exponent : std::max(std::ilogb(x(i)), type.lowest_exponent);
      const double unit = std::ldexp(1.0, exponent - type.mantissa);
      const double nearest = std::clamp(std::nearbyint(x(i) / unit) * unit, -type.largest, type.largest);
      if (y(i) != (std::isinf(x(i)) ? x(i) : nearest) || std::signbit(x(i)) != std::signbit(y(i)))
        fail(i, " instead of " + std::to_string(nearest));
    }
  }
  // Half a step of the payload's own, in words[0]; where channels have steps of their own, in deviations of theirs,
  // which no range of finite values is below.
  void dither(const codec::Header& h) const {
    const auto step = static_cast<double>(std::bit_cast<float>(static_cast<uint32_t>(h.words[0])));
    const auto offset = static_cast<double>(std::bit_cast<float>(static_cast<uint32_t>(h.words[1])));
    const Reach r = reach_of(in, 0, in.numel);
    const double rounding = ulp_of(in.dtype) * (r.size() + step) + least_of(in.dtype);
    if (text("predict") == "lorenzo") return within(step * 0.5001 + 2 * rounding, 0, in.numel);
    if ((h.kind & 4) != 0) return within(step * r.range() + 2 * rounding, 0, in.numel);
    // One value is exact; what deviates by less than 2^-100 counts as one, and is off by half a step at most.
    const double numbers = r.range() == 0 ? 0 : step * 0.5001 + rounding;
    within(numbers + 0x1p-22 * (r.size() + std::fabs(offset)), 0, in.numel);
  }
  void error_bound() const {
    const double bound = number("bound");
    const bool relative = codec.spec().get_bool("relative", true);
    within(relative ? bound * reach_of(in, 0, in.numel).range() : bound, 0, in.numel);
  }
  void zeros() const {
    for (int64_t i = 0; i < in.numel; ++i)
      if ((x(i) == 0) != (y(i) == 0)) fail(i, ", though zeros are kept");
  }
};

}  // namespace

void check_promise(const Codec& codec, const Extent& in, const SideInfo& side, std::span<const std::byte> payload,
                   const void* out) {
  const Checker check{codec, in, out};
  const std::string& name = codec.spec().name;
  codec::Header h;
  std::memcpy(&h, payload.data(), sizeof h);
  if (name == "bits") return check.bits();
  if (name == "int") return check.same_bytes();
  if (name == "mask") return check.mask(side.predicate);
  if (name == "group_quant") check.group_quant();
  if (name == "lfc") check.lfc();
  if (name == "pool") check.pool();
  if (name == "fixed_point") check.fixed_point();
  if (name == "cast") check.cast();
  if (name == "dither") check.dither(h);
  if (name == "error_bound") check.error_bound();
  if (codec.keeps_zeros(in.dtype)) check.zeros();
}

}  // namespace cinch::testing
