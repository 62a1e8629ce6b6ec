#include "src/backend/cpu/targets.h"
#include "src/codec/entropy_coded/levels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/codec/entropy_coded/levels_kernels.cpp"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "src/codec/stage/float_rows-inl.h"

HWY_BEFORE_NAMESPACE();
namespace cinch::codec::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using LevelTag = hn::RebindToSigned<RowTag>;
using NumberTag = hn::Rebind<int16_t, RowTag>;

// As the value reads after it was stored: the same rounding, because it is the same code.
template <class T>
HWY_INLINE hn::Vec<RowTag> rounded(hn::Vec<RowTag> v, RowTag d) {
  if constexpr (sizeof(T) == sizeof(float)) {
    return v;
  } else {
    HWY_ALIGN T row[16];
    store_row<false>(v, d, row);
    return load_row(d, row);
  }
}

HWY_INLINE hn::Vec<RowTag> level_value(hn::Vec<RowTag> k, RowTag d, const Levels& l) {
  return hn::Add(hn::Mul(k, hn::Set(d, l.step)), hn::Set(d, l.origin));
}

// Numbers with zeros apart: levels from 0 on move up by one.
template <bool kZeros>
HWY_INLINE hn::Vec<LevelTag> apart(hn::Vec<LevelTag> number, hn::Mask<RowTag> is_zero) {
  const LevelTag di;
  if constexpr (!kZeros) return number;
  const auto moves = hn::Gt(number, hn::Set(di, -1));
  if constexpr (HWY_TARGET <= HWY_AVX3) {
    number = hn::IfThenElse(moves, hn::Add(number, hn::Set(di, 1)), number);
  } else {
    number = hn::Sub(number, hn::VecFromMask(di, moves));
  }
  return hn::IfThenZeroElse(hn::RebindMask(di, is_zero), number);
}

// Adding 1.5 * 2^23 rounds to an integer and leaves it in the low bits, above 0x4b400000.
constexpr float kMagic = 12582912.0f;
constexpr int32_t kMagicBits = 0x4b400000;

// Numbers of a row, and which of them hold their value. Of NaN the number is anything.
template <bool kZeros, class T>
HWY_INLINE hn::Vec<LevelTag> level_numbers(hn::Vec<RowTag> x, RowTag d, const Levels& l, hn::Mask<RowTag>* held) {
  const LevelTag di;
  const auto zero = hn::Zero(d), most = hn::Set(d, 32766.0f), magic = hn::Set(d, kMagic);
  const auto t = hn::Mul(hn::Sub(x, hn::Set(d, l.origin)), hn::Set(d, 1.0f / l.step));
  const auto sum = hn::Add(hn::Min(hn::Max(t, hn::Neg(most)), most), magic);
  const auto y = rounded<T>(level_value(hn::Sub(sum, magic), d, l), d);
  // Rounding is monotonous: a difference beyond the bound does not become less than it. NaN never is.
  *held = hn::And(hn::Lt(hn::Abs(hn::Sub(x, y)), hn::Set(d, l.bound)), hn::Ne(y, zero));
  const auto is_zero = hn::Eq(x, zero);
  *held = kZeros ? hn::Or(*held, is_zero) : hn::AndNot(is_zero, *held);
  return apart<kZeros>(hn::Sub(hn::BitCast(di, sum), hn::Set(di, kMagicBits)), is_zero);
}

// Whether levels -128 to 127 hold all float32 values that they are next to, so that none need be looked at again. All
// that is rounded on the way (a difference, a quotient in two steps, a product, a sum, a difference) is less than
// 650 * 2^-24 < 2^-14 steps there where the origin is less than a step, and no level is zero.
bool near_levels_hold(const Levels& l) {
  return l.bound >= l.step * (0.5f + 0x1p-14f) && l.origin >= l.step * 0x1p-8f && l.origin <= l.step * (1 - 0x1p-8f);
}
constexpr int32_t kNear = 128;

// Numbers of a row whose levels are all near. False: they are not, or one is not a number, or zero and not apart.
template <bool kZeros>
HWY_INLINE bool near_numbers(hn::Vec<RowTag> x, RowTag d, const Levels& l, hn::Vec<LevelTag>* numbers) {
  const LevelTag di;
  const hn::RebindToUnsigned<LevelTag> du;
  const auto t = hn::Mul(hn::Sub(x, hn::Set(d, l.origin)), hn::Set(d, 1.0f / l.step));
  const auto number = hn::Sub(hn::BitCast(di, hn::Add(t, hn::Set(d, kMagic))), hn::Set(di, kMagicBits));
  auto near = hn::Lt(hn::BitCast(du, hn::Add(number, hn::Set(di, kNear))), hn::Set(du, uint32_t{2 * kNear}));
  const auto is_zero = hn::Eq(x, hn::Zero(d));
  if constexpr (!kZeros) near = hn::AndNot(hn::RebindMask(du, is_zero), near);
  *numbers = apart<kZeros>(number, is_zero);
  return hn::AllTrue(du, near);
}

template <bool kZeros, bool kNearHold, class T>
int64_t to_levels(const T* HWY_RESTRICT in, int64_t count, const Levels& levels, int16_t* HWY_RESTRICT numbers,
                  uint16_t* HWY_RESTRICT missed) {
  const RowTag d;
  const LevelTag di;
  const NumberTag d16;
  const Levels l = levels;  // a copy, which no store through the pointers changes
  const auto n = static_cast<int64_t>(hn::Lanes(d));
  int64_t missed_count = 0;
  for (int64_t i = 0; i < count; i += n) {
    const auto x = load_up_to(d, in + i, count - i);
    if constexpr (kNearHold) {
      hn::Vec<LevelTag> number;
      if (HWY_LIKELY(near_numbers<kZeros>(x, d, l, &number))) {
        hn::StoreU(hn::DemoteTo(d16, number), d16, numbers + i);
        continue;
      }
    }
    hn::Mask<RowTag> held;
    const auto number = level_numbers<kZeros, T>(x, d, l, &held);
    hn::StoreU(hn::DemoteTo(d16, number), d16, numbers + i);
    if (HWY_LIKELY(hn::AllTrue(d, held))) continue;
    HWY_ALIGN int32_t lanes[16], numeric[16];
    hn::Store(hn::VecFromMask(di, hn::RebindMask(di, held)), di, lanes);
    hn::Store(hn::VecFromMask(di, hn::RebindMask(di, hn::Eq(x, x))), di, numeric);
    for (int64_t j = 0; j < n && i + j < count; ++j) {
      if (lanes[j] == 0) missed[missed_count++] = static_cast<uint16_t>(i + j);
      if (numeric[j] == 0) numbers[i + j] = 1;  // the same on every instruction set, and no zero
    }
  }
  return missed_count;
}

template <bool kZeros, bool kStream, class T>
void to_values(const int16_t* HWY_RESTRICT numbers, int64_t count, const Levels& l, T* HWY_RESTRICT out) {
  const RowTag d;
  const LevelTag di;
  const NumberTag d16;
  const auto n = static_cast<int64_t>(hn::Lanes(d));
  const auto row = [&](int64_t i) HWY_ATTR {
    const auto number = hn::PromoteTo(di, hn::LoadU(d16, numbers + i));
    if constexpr (!kZeros) return level_value(hn::ConvertTo(d, number), d, l);
    const auto positive = hn::VecFromMask(di, hn::Gt(number, hn::Zero(di)));  // -1
    const auto y = level_value(hn::ConvertTo(d, hn::Add(number, positive)), d, l);
    return hn::IfThenZeroElse(hn::RebindMask(d, hn::Eq(number, hn::Zero(di))), y);
  };
  int64_t i = 0;
  for (; i + n <= count; i += n) store_row<kStream>(row(i), d, out + i);
  if (i == count) return;
  HWY_ALIGN T rest[16];
  store_row<false>(row(i), d, rest);
  std::memcpy(out + i, rest, static_cast<size_t>(count - i) * sizeof(T));
}

int64_t to_levels_any(const void* in, DType dtype, int64_t count, const Levels& l, int16_t* numbers, uint16_t* missed) {
  return with_float_type(dtype, [&](auto tag) {
    using T = decltype(tag);
    const auto* values = static_cast<const T*>(in);
    if constexpr (sizeof(T) == sizeof(float)) {
      if (near_levels_hold(l))
        return l.zeros ? to_levels<true, true>(values, count, l, numbers, missed)
                       : to_levels<false, true>(values, count, l, numbers, missed);
    }
    return l.zeros ? to_levels<true, false>(values, count, l, numbers, missed)
                   : to_levels<false, false>(values, count, l, numbers, missed);
  });
}

void to_values_any(const int16_t* numbers, int64_t count, const Levels& l, DType dtype, void* out, bool stream) {
  with_float_type(dtype, [&](auto tag) {
    using T = decltype(tag);
    auto* values = static_cast<T*>(out);
    // Streaming stores want whole cache lines in order.
    if (stream && hn::Lanes(RowTag()) * sizeof(T) >= 64) {
      l.zeros ? to_values<true, true>(numbers, count, l, values) : to_values<false, true>(numbers, count, l, values);
      hwy::FlushStream();
    } else {
      l.zeros ? to_values<true, false>(numbers, count, l, values) : to_values<false, false>(numbers, count, l, values);
    }
  });
}

}  // namespace cinch::codec::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cinch::codec {
HWY_EXPORT(to_levels_any);
HWY_EXPORT(to_values_any);

int64_t values_to_levels(const void* in, DType dtype, int64_t count, const Levels& levels, int16_t* numbers,
                         uint16_t* missed) {
  return HWY_DYNAMIC_DISPATCH(to_levels_any)(in, dtype, count, levels, numbers, missed);
}

void levels_to_values(const int16_t* numbers, int64_t count, const Levels& levels, DType dtype, void* out,
                      bool stream) {
  HWY_DYNAMIC_DISPATCH(to_values_any)(numbers, count, levels, dtype, out, stream);
}

}  // namespace cinch::codec
#endif
