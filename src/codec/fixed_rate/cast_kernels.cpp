#include "src/codec/fixed_rate/cast_kernels.h"

#include <type_traits>

#include "src/backend/cpu/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/codec/fixed_rate/cast_kernels.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "src/codec/fixed_rate/narrow_type.h"
#include "src/codec/stage/float_rows-inl.h"

HWY_BEFORE_NAMESPACE();
namespace cinch::codec::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using WordTag = hn::RebindToUnsigned<RowTag>;
using Words = hn::Vec<WordTag>;

// Conversions of a type's codes from and to bits of floats, a vector of them.
template <class Type>
struct Format : Type {
  using Type::kShift, Type::kSign, Type::kMantissa, Type::kRebias, Type::kLargest, Type::kLargestFloat;
  using Type::kSmallestNormalFloat, Type::kDenormalMagic, Type::kInfinityCode, Type::kInfinity, Type::kNan;
  using typename Type::Stored;

  // Bits of floats to codes: nearest even, finite values stop at the largest.
  static HWY_INLINE Words narrow(Words bits) {
    const WordTag du;
    const RowTag d;
    const auto word = [&](uint32_t v) HWY_ATTR { return hn::Set(du, v); };
    const auto magnitude = hn::And(bits, word(0x7fffffffu));
    const auto finite = hn::Min(magnitude, word(kLargestFloat));
    const auto odd = hn::And(hn::ShiftRight<kShift>(finite), word(1));
    const auto rounded = hn::ShiftRight<kShift>(hn::Add(finite, hn::Add(odd, word((1u << (kShift - 1)) - 1))));
    auto code = hn::Sub(rounded, word(kRebias << kMantissa));
    if constexpr (kRebias > 0) {  // of bfloat16, denormals are the upper half of a float's
      const auto magic = word(kDenormalMagic);
      const auto units = hn::BitCast(du, hn::Add(hn::BitCast(d, finite), hn::BitCast(d, magic)));
      code = hn::IfThenElse(hn::Lt(finite, word(kSmallestNormalFloat)), hn::Sub(units, magic), code);
    }
    const auto infinity = word(0x7f800000u);
    code = hn::IfThenElse(hn::Eq(magnitude, infinity), word(kInfinity ? kInfinityCode : kNan), code);
    code = hn::IfThenElse(hn::Gt(magnitude, infinity), word(kNan), code);
    return hn::Or(code, hn::And(hn::ShiftRight<8 * (4 - static_cast<int>(sizeof(Stored)))>(bits), word(kSign)));
  }

  // Exact.
  static HWY_INLINE Words widen(Words code) {
    const WordTag du;
    const RowTag d;
    const auto word = [&](uint32_t v) HWY_ATTR { return hn::Set(du, v); };
    const auto magnitude = hn::And(code, word(kSign - 1));
    auto bits = hn::Add(hn::ShiftLeft<kShift>(magnitude), word(kRebias << 23));
    if constexpr (kRebias > 0) {
      const auto units = hn::ConvertTo(d, hn::BitCast(hn::RebindToSigned<RowTag>(), magnitude));
      const auto unit = hn::BitCast(d, word((kRebias + 1 - kMantissa) << 23));
      bits = hn::IfThenElse(hn::Lt(magnitude, word(1u << kMantissa)), hn::BitCast(du, hn::Mul(units, unit)), bits);
      const auto special = hn::Gt(magnitude, word(kLargest));
      const auto mantissa = hn::ShiftLeft<kShift>(hn::And(magnitude, word((1u << kMantissa) - 1)));
      bits = hn::IfThenElse(special, hn::Or(word(0x7f800000u), mantissa), bits);
    }
    return hn::Or(bits, hn::ShiftLeft<8 * (4 - static_cast<int>(sizeof(Stored)))>(hn::And(code, word(kSign))));
  }
};
using BFloat16 = Format<BFloat16Type>;
using Float16 = Format<Float16Type>;
using E4M3 = Format<E4M3Type>;
using E5M2 = Format<E5M2Type>;

template <class Code>
HWY_INLINE Words load_codes(WordTag du, const Code* p) {
  return hn::PromoteTo(du, hn::LoadU(hn::Rebind<Code, RowTag>(), p));
}
template <class Code>
HWY_INLINE void store_codes(Words codes, Code* p) {
  const hn::Rebind<Code, RowTag> narrow;
  hn::StoreU(hn::DemoteTo(narrow, hn::BitCast(hn::RebindToSigned<RowTag>(), codes)), narrow, p);
}

// Values of either side as bits of floats. Not by way of float_rows: NaN and infinities are kept.
struct Float32 {
  using Stored = uint32_t;
};
template <class F>
HWY_INLINE Words load_values(WordTag du, const typename F::Stored* p) {
  if constexpr (std::is_same_v<F, Float32>)
    return hn::LoadU(du, p);
  else
    return F::widen(load_codes(du, p));
}
template <class F>
HWY_INLINE void store_values(WordTag du, Words bits, typename F::Stored* p) {
  if constexpr (std::is_same_v<F, Float32>)
    hn::StoreU(bits, du, p);
  else
    store_codes(F::narrow(bits), p);
}

// From one format to another; what is left over goes by way of a whole vector.
template <class From, class To>
void convert(const void* in, int64_t count, void* out) {
  using A = typename From::Stored;
  using B = typename To::Stored;
  const WordTag du;
  const auto n = static_cast<int64_t>(hn::Lanes(du));
  const auto* from = static_cast<const A*>(in);
  auto* to = static_cast<B*>(out);
  int64_t j = 0;
  for (; j + n <= count; j += n) store_values<To>(du, load_values<From>(du, from + j), to + j);
  const size_t left = static_cast<size_t>(count) % static_cast<size_t>(n);
  if (left == 0) return;
  A rest[16] = {};
  B result[16];
  std::memcpy(rest, from + j, left * sizeof(A));
  store_values<To>(du, load_values<From>(du, rest), result);
  std::memcpy(to + j, result, left * sizeof(B));
}

template <class F>
void with_narrow(Narrow type, F&& f) {
  switch (type) {
    case Narrow::kBFloat16:
      return f(BFloat16());
    case Narrow::kFloat16:
      return f(Float16());
    case Narrow::kE4M3:
      return f(E4M3());
    default:
      return f(E5M2());
  }
}

template <class F>
void with_values(DType dtype, F&& f) {
  switch (dtype) {
    case DType::kFloat32:
      return f(Float32());
    case DType::kBFloat16:
      return f(BFloat16());
    default:
      return f(Float16());
  }
}

void cast_narrow(const void* in, DType dtype, Narrow to, int64_t count, void* out) {
  with_values(dtype, [&](auto from) {
    with_narrow(to, [&](auto format) { convert<decltype(from), decltype(format)>(in, count, out); });
  });
}

void cast_widen(const void* in, Narrow from, DType dtype, int64_t count, void* out) {
  with_values(dtype, [&](auto to) {
    with_narrow(from, [&](auto format) { convert<decltype(format), decltype(to)>(in, count, out); });
  });
}

}  // namespace cinch::codec::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cinch::codec {
HWY_EXPORT(cast_narrow);
HWY_EXPORT(cast_widen);

void cast_down(const void* in, DType dtype, Narrow to, int64_t count, void* out) {
  HWY_DYNAMIC_DISPATCH(cast_narrow)(in, dtype, to, count, out);
}

void cast_up(const void* in, Narrow from, DType dtype, int64_t count, void* out) {
  HWY_DYNAMIC_DISPATCH(cast_widen)(in, from, dtype, count, out);
}

}  // namespace cinch::codec
#endif
