#include <array>
#include <type_traits>

#include "src/backend/cpu/targets.h"
#include "src/codec/entropy_coded/letters.h"
#include "src/codec/stage/rng.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/codec/entropy_coded/letters_kernels.cpp"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "src/codec/stage/float_rows-inl.h"

HWY_BEFORE_NAMESPACE();
namespace cinch::codec::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using RowTagU = hn::RebindToUnsigned<RowTag>;
constexpr size_t kColumnsOfRow = 16;
template <bool kPaired>
constexpr size_t kLettersOfGroup = kPaired ? kLetterGroup / 2 : kLetterGroup;

// One chain of draws a column, a draw for two rows (stage/rng.h).
class LetterDraws {
 public:
  HWY_INLINE LetterDraws(uint64_t group_key, size_t column)
      : mul2_(hn::Set(RowTagU(), kMul2)), weyl_(hn::Set(RowTagU(), kWeyl)) {
    const RowTagU du;
    const auto low = hn::Set(du, static_cast<uint32_t>(group_key)),
               high = hn::Set(du, static_cast<uint32_t>(group_key >> 32));
    auto x = hn::Add(low, hn::LoadU(du, kColumnWeyl.data() + column));
    x = hn::Add(hn::Mul(hn::Xor(x, hn::ShiftRight<16>(x)), hn::Set(du, kMul1)), high);
    x = hn::Mul(hn::Xor(x, hn::ShiftRight<15>(x)), mul2_);
    x_ = hn::Xor(x, hn::ShiftRight<15>(x));
  }
  HWY_INLINE hn::Vec<RowTagU> next() {
    const auto x = x_;
    x_ = hn::Add(hn::Mul(x_, mul2_), weyl_);
    x_ = hn::Xor(x_, hn::ShiftRight<15>(x_));
    return x;
  }

 private:
  hn::Vec<RowTagU> x_, mul2_, weyl_;
};

// f(draws, group, column, pair of rows) for all values of `kGroups` groups, a vector at a time. Each draw waits for the
// one before, so two chains take turns: halves of a row, or where vectors are rows, two groups.
constexpr size_t kMostGroups = 2;
HWY_INLINE size_t groups_at_once() { return hn::Lanes(RowTag()) == kColumnsOfRow ? kMostGroups : 1; }
template <size_t kGroups, class F>
HWY_INLINE void for_pairs(const std::array<uint64_t, kMostGroups>& keys, F&& f) {
  constexpr size_t kPairs = kColumnsOfRow / 2;
  const size_t n = hn::Lanes(RowTag());
  if (kGroups == 1 && n == kColumnsOfRow) {
    LetterDraws draws(keys[0], 0);
    HWY_UNROLL(8)
    for (size_t pair = 0; pair < kPairs; ++pair) f(draws, 0, 0, pair);
    return;
  }
  constexpr size_t kOther = kGroups - 1;
  for (size_t c = 0; c < kColumnsOfRow; c += 2 * n) {
    const size_t other_column = kOther == 0 ? c + n : c;
    LetterDraws draws(keys[0], c), other(keys[kOther], other_column);
    HWY_UNROLL(8)
    for (size_t pair = 0; pair < kPairs; ++pair) {
      f(draws, 0, c, pair);
      f(other, kOther, other_column, pair);
    }
  }
}

// Of a group and the next one.
HWY_INLINE std::array<uint64_t, kMostGroups> keys_of(const Quantiser& q, int64_t group) {
  return {group_key(q.key, group), group_key(q.key, group + 1)};
}

// f(index of the first group, number of groups as a constant) for all of `groups`.
template <class F>
HWY_INLINE void for_groups(int64_t groups, F&& f) {
  int64_t g = 0;
  if (groups_at_once() == kMostGroups)
    for (; g + 2 <= groups; g += 2) f(g, std::integral_constant<size_t, kMostGroups>());
  for (; g < groups; ++g) f(g, std::integral_constant<size_t, 1>());
}

// A draw below what is above it. Shifted down, it needs no mask.
template <bool kMask>
HWY_INLINE hn::Vec<RowTagU> or_draw(hn::Vec<RowTagU> above, hn::Vec<RowTagU> draw, hn::Vec<RowTagU> fraction) {
  if constexpr (kMask) return hn::OrAnd(above, draw, fraction);
  return hn::Or(above, draw);
}

// The dither of a value is m - r, of 0 .. m = 2^F - 1, with r the low F bits of its half of a draw: subtracted on the
// way to a symbol, or-ed into the empty bits below it on the way back.
template <bool kPaired, bool kDithered, bool kOffset, size_t kGroups, class T>
HWY_INLINE void to_letters(const T* HWY_RESTRICT in, const std::array<uint64_t, kMostGroups>& keys, const Quantiser& q,
                           uint8_t* HWY_RESTRICT letters) {
  const RowTag d;
  const RowTagU du;
  const hn::Rebind<uint8_t, RowTag> d8;
  constexpr int F = kFraction<kPaired>;
  constexpr float kUnit = 1 << F;
  const auto offset = hn::Set(d, q.offset);
  const auto scale = hn::Set(d, kUnit / q.step);
  // Adding 1.5 * 2^23 rounds to an integer and leaves it in the low bits, above 0x4b400000. What is too large for that,
  // or not a number, gets bits far from any symbol's.
  const float most = kDithered ? kUnit - 1 : kUnit / 2;
  const auto magic = hn::Set(d, 12582912.0f - static_cast<float>(q.base) * kUnit + most);
  const auto magic_bits = hn::Set(du, 0x4b400000u), fraction = hn::Set(du, (1u << F) - 1u);
  const auto raw = hn::Set(du, static_cast<uint32_t>(q.raw_symbol())),
             zero = hn::Set(du, static_cast<uint32_t>(q.zero_symbol()));
  const auto symbol = [&]<bool kMask>(const T* row, hn::Vec<RowTagU> draw) HWY_ATTR {
    const auto x = load_row(d, row);
    auto from_offset = x;
    if constexpr (kOffset) from_offset = hn::Sub(x, offset);
    const auto bits = hn::BitCast(du, hn::Add(hn::Mul(from_offset, scale), magic));
    const auto less = kDithered ? or_draw<kMask>(magic_bits, draw, fraction) : magic_bits;
    const auto s = hn::Min(hn::ShiftRight<F>(hn::Sub(bits, less)), raw);
    const auto is_zero = hn::RebindMask(du, hn::Eq(x, hn::Zero(d)));
    if constexpr (HWY_TARGET <= HWY_AVX3) return hn::IfThenElse(is_zero, zero, s);
    return hn::Max(hn::IfThenElseZero(is_zero, zero), s);  // it is larger than any other symbol
  };
  for_pairs<kGroups>(keys, [&](LetterDraws& draws, size_t group, size_t c, size_t pair) HWY_ATTR {
    const T* rows = in + group * kLetterGroup + pair * 2 * kColumnsOfRow + c;
    auto draw = hn::Zero(du);
    if constexpr (kDithered) draw = draws.next();
    const auto even = symbol.template operator()<true>(rows, draw),
               odd = symbol.template operator()<F != 16>(rows + kColumnsOfRow, hn::ShiftRight<16>(draw));
    uint8_t* to = letters + group * kLettersOfGroup<kPaired> + pair * (kPaired ? 1 : 2) * kColumnsOfRow + c;
    if constexpr (kPaired) {
      hn::StoreU(hn::TruncateTo(d8, hn::Or(even, hn::ShiftLeft<4>(odd))), d8, to);
    } else {
      hn::StoreU(hn::TruncateTo(d8, even), d8, to);
      hn::StoreU(hn::TruncateTo(d8, odd), d8, to + kColumnsOfRow);
    }
  });
}

template <bool kPaired, bool kDithered, bool kStream, size_t kGroups, class T>
HWY_INLINE void to_values(const uint8_t* HWY_RESTRICT letters, const std::array<uint64_t, kMostGroups>& keys,
                          const Quantiser& q, T* HWY_RESTRICT out) {
  const RowTag d;
  const RowTagU du;
  const hn::RebindToSigned<RowTag> di;
  const hn::Rebind<uint8_t, RowTag> d8;
  constexpr int F = kFraction<kPaired>;
  constexpr float kUnit = 1 << F;
  // The middle of what rounds to a symbol lies between two units, so that values that are not zero do not become zero.
  const float start = static_cast<float>(q.base) * kUnit - (kDithered ? (kUnit - 1) / 2 : 0.0f);
  const auto scale = hn::Set(d, q.step / kUnit), offset = hn::Set(d, start * (q.step / kUnit) + q.offset);
  const auto fraction = hn::Set(du, (1u << F) - 1u), zero = hn::Set(du, static_cast<uint32_t>(q.zero_symbol()));
  const auto value = [&]<bool kMask>(hn::Vec<RowTagU> symbol, auto is_value, hn::Vec<RowTagU> draw) HWY_ATTR {
    if constexpr (kDithered) symbol = or_draw<kMask>(symbol, draw, fraction);
    const auto x = hn::Add(hn::Mul(hn::ConvertTo(d, hn::BitCast(di, symbol)), scale), offset);
    return hn::IfThenElseZero(hn::RebindMask(d, is_value), x);
  };
  for_pairs<kGroups>(keys, [&](LetterDraws& draws, size_t group, size_t c, size_t pair) HWY_ATTR {
    auto draw = hn::Zero(du);
    if constexpr (kDithered) draw = draws.next();
    T* rows = out + group * kLetterGroup + pair * 2 * kColumnsOfRow + c;
    const uint8_t* from = letters + group * kLettersOfGroup<kPaired> + pair * (kPaired ? 1 : 2) * kColumnsOfRow + c;
    if constexpr (kPaired) {
      const auto letter = hn::PromoteTo(du, hn::LoadU(d8, from));
      const auto low = hn::Set(du, 15u), high = hn::Set(du, 0xf0u);
      const auto even = hn::And(letter, low), odd = hn::And(letter, high);
      store_row<kStream>(value.template operator()<true>(hn::ShiftLeft<F>(even), hn::Ne(even, low), draw), d, rows);
      store_row<kStream>(
          value.template operator()<F != 16>(hn::ShiftLeft<F - 4>(odd), hn::Ne(odd, high), hn::ShiftRight<16>(draw)), d,
          rows + kColumnsOfRow);
    } else {
      const auto even = hn::PromoteTo(du, hn::LoadU(d8, from));
      const auto odd = hn::PromoteTo(du, hn::LoadU(d8, from + kColumnsOfRow));
      store_row<kStream>(value.template operator()<true>(hn::ShiftLeft<F>(even), hn::Ne(even, zero), draw), d, rows);
      store_row<kStream>(
          value.template operator()<true>(hn::ShiftLeft<F>(odd), hn::Ne(odd, zero), hn::ShiftRight<16>(draw)), d,
          rows + kColumnsOfRow);
    }
  });
}

template <bool kPaired, bool kDithered, class T>
void all_to_letters(const T* in, int64_t groups, int64_t first, const Quantiser& q, uint8_t* letters) {
  for_groups(groups, [&](int64_t g, auto count) HWY_ATTR {
    const T* from = in + g * kLetterGroup;
    uint8_t* to = letters + g * kLettersOfGroup<kPaired>;
    const auto keys = keys_of(q, first + g);
    if (q.offset == 0.0f) {
      to_letters<kPaired, kDithered, false, count()>(from, keys, q, to);
    } else {
      to_letters<kPaired, kDithered, true, count()>(from, keys, q, to);
    }
  });
}

template <bool kPaired, bool kDithered, class T>
void all_to_values(const uint8_t* letters, int64_t groups, int64_t first, const Quantiser& q, T* out, bool stream) {
  // Streaming stores want whole cache lines in order: a row of all columns at once.
  stream = stream && hn::Lanes(RowTag()) * sizeof(T) >= 64;
  for_groups(groups, [&](int64_t g, auto count) HWY_ATTR {
    const uint8_t* from = letters + g * kLettersOfGroup<kPaired>;
    T* to = out + g * kLetterGroup;
    const auto keys = keys_of(q, first + g);
    if (stream) {
      to_values<kPaired, kDithered, true, count()>(from, keys, q, to);
    } else {
      to_values<kPaired, kDithered, false, count()>(from, keys, q, to);
    }
  });
  if (stream) hwy::FlushStream();
}

template <class Call>
void with_kind(const Quantiser& q, Call call) {
  if (q.paired) return q.dithered ? call.template operator()<true, true>() : call.template operator()<true, false>();
  return q.dithered ? call.template operator()<false, true>() : call.template operator()<false, false>();
}

void to_letters_any(const void* in, DType dtype, int64_t groups, int64_t first, const Quantiser& q, uint8_t* letters) {
  with_float_type(dtype, [&](auto tag) {
    using T = decltype(tag);
    with_kind(q, [&]<bool kPaired, bool kDithered>() {
      all_to_letters<kPaired, kDithered>(static_cast<const T*>(in), groups, first, q, letters);
    });
  });
}

void to_values_any(const uint8_t* letters, int64_t groups, int64_t first, const Quantiser& q, DType dtype, void* out,
                   bool stream) {
  with_float_type(dtype, [&](auto tag) {
    using T = decltype(tag);
    with_kind(q, [&]<bool kPaired, bool kDithered>() {
      all_to_values<kPaired, kDithered>(letters, groups, first, q, static_cast<T*>(out), stream);
    });
  });
}

}  // namespace cinch::codec::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cinch::codec {
HWY_EXPORT(to_letters_any);
HWY_EXPORT(to_values_any);

void values_to_letters(const void* in, DType dtype, int64_t groups, int64_t first, const Quantiser& quantiser,
                       uint8_t* letters) {
  HWY_DYNAMIC_DISPATCH(to_letters_any)(in, dtype, groups, first, quantiser, letters);
}

void letters_to_values(const uint8_t* letters, int64_t groups, int64_t first, const Quantiser& quantiser, DType dtype,
                       void* out, bool stream) {
  HWY_DYNAMIC_DISPATCH(to_values_any)(letters, groups, first, quantiser, dtype, out, stream);
}

}  // namespace cinch::codec
#endif
