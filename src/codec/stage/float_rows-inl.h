// Rows of up to 16 values as float32 vectors, from and to float32, bfloat16 and float16 memory. Compiled once for each
// instruction set, inside kernels. Rounding is to nearest even everywhere; only element alignment is asked for.
#if defined(CINCH_FLOAT_ROWS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef CINCH_FLOAT_ROWS_INL_H
#undef CINCH_FLOAT_ROWS_INL_H
#else
#define CINCH_FLOAT_ROWS_INL_H
#endif

#include <hwy/highway.h>

#include <cstring>

#include "cinch/dtype.h"
#include "src/core/float16.h"

HWY_BEFORE_NAMESPACE();
namespace cinch::codec::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using RowTag = hn::CappedTag<float, 16>;
constexpr int64_t kVectorSlack = 16;  // floats that a store of a whole vector may reach beyond its count
// Highway's float16 conversion in software rounds otherwise; where the machine has none, ours is used.
#if HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3
#define CINCH_HAS_F16 1
#else
#define CINCH_HAS_F16 0
#endif

HWY_INLINE hn::Vec<RowTag> load_row(RowTag d, const float* p) { return hn::LoadU(d, p); }

HWY_INLINE hn::Vec<RowTag> load_row(RowTag d, const hwy::bfloat16_t* p) {
  return hn::PromoteTo(d, hn::LoadU(hn::Rebind<hwy::bfloat16_t, RowTag>(), p));
}

HWY_INLINE hn::Vec<RowTag> load_row(RowTag d, const hwy::float16_t* p) {
#if CINCH_HAS_F16
  return hn::PromoteTo(d, hn::LoadU(hn::Rebind<hwy::float16_t, RowTag>(), p));
#else
  HWY_ALIGN float row[16];
  for (size_t i = 0; i < hn::Lanes(d); ++i) {
    uint16_t bits;
    hwy::CopyBytes<2>(p + i, &bits);
    row[i] = fp16_to_float(bits);
  }
  return hn::Load(d, row);
#endif
}

// The first `count` words, fewer than lanes; zeros behind them. Reads nothing else.
template <class D>
HWY_INLINE hn::Vec<D> load_first(D d, const hn::TFromD<D>* p, int64_t count) {
#if HWY_MEM_OPS_MIGHT_FAULT
  HWY_ALIGN hn::TFromD<D> part[16] = {};
  std::memcpy(part, p, static_cast<size_t>(count) * sizeof *p);
  return hn::Load(d, part);
#else
  return hn::MaskedLoad(hn::FirstN(d, static_cast<size_t>(count)), d, p);
#endif
}

// The same of values.
template <class T>
HWY_INLINE hn::Vec<RowTag> load_part(RowTag d, const T* p, int64_t count) {
  if constexpr (sizeof(T) == sizeof(float)) {
    return load_first(d, p, count);
  } else {
    uint16_t part[16] = {};
    std::memcpy(part, p, static_cast<size_t>(count) * 2);
    return load_row(d, reinterpret_cast<const T*>(part));
  }
}

template <class T>
HWY_INLINE hn::Vec<RowTag> load_up_to(RowTag d, const T* p, int64_t count) {
  return HWY_LIKELY(count >= static_cast<int64_t>(hn::Lanes(d))) ? load_row(d, p) : load_part(d, p, count);
}

// A whole vector from `p` on as far as the tensor reaches: lanes behind a run may hold its neighbours, or zeros.
template <class T>
HWY_INLINE hn::Vec<RowTag> load_within(RowTag d, const T* p, const T* end) {
  return load_up_to(d, p, end - p);
}

// Low 16 bits of each lane; the high ones must be zero.
HWY_INLINE void store_u16(hn::Vec<hn::RebindToUnsigned<RowTag>> v, uint16_t* p) {
  const hn::Rebind<uint16_t, RowTag> d16;
  hn::StoreU(hn::DemoteTo(d16, hn::BitCast(hn::RebindToSigned<RowTag>(), v)), d16, p);
}

HWY_INLINE hn::Vec<hn::RebindToUnsigned<RowTag>> load_u16(hn::RebindToUnsigned<RowTag> d, const uint16_t* p) {
  return hn::PromoteTo(d, hn::LoadU(hn::Rebind<uint16_t, RowTag>(), p));
}

template <bool kStream, class D, class V, class T>
HWY_INLINE void put(V v, D d, T* p) {
  // Highway streams whole vectors alone: half of one would overwrite what follows, or fault where that is not aligned.
  if constexpr (kStream && hn::MaxLanes(D()) * sizeof(hn::TFromD<D>) >= 16) {
    hn::Stream(v, d, p);
  } else {
    hn::StoreU(v, d, p);
  }
}

template <bool kStream>
HWY_INLINE void store_row(hn::Vec<RowTag> v, RowTag d, float* p) {
  put<kStream>(v, d, p);
}

template <bool kStream>
HWY_INLINE void store_row(hn::Vec<RowTag> v, RowTag d, hwy::bfloat16_t* p) {
  const hn::RebindToUnsigned<RowTag> du;
  const hn::Rebind<uint16_t, RowTag> d16;
  const auto bits = hn::BitCast(du, v);
  const auto odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(du, 1u));
  const auto rounded = hn::ShiftRight<16>(hn::Add(bits, hn::Add(odd, hn::Set(du, 0x7fffu))));
  (void)d;
  put<kStream>(hn::DemoteTo(d16, hn::BitCast(hn::RebindToSigned<RowTag>(), rounded)), d16,
               reinterpret_cast<uint16_t*>(p));
}

// Sides of a group may reach beyond float16's largest value; its values do not. NaN stays NaN, which the minimum of two
// numbers would not.
template <bool kStream>
HWY_INLINE void store_row(hn::Vec<RowTag> v, RowTag d, hwy::float16_t* p) {
  const auto largest = hn::Set(d, 65504.0f), smallest = hn::Set(d, -65504.0f);
  const auto below = hn::IfThenElse(hn::Gt(v, largest), largest, v);
  const auto clamped = hn::IfThenElse(hn::Lt(below, smallest), smallest, below);
#if CINCH_HAS_F16
  const hn::Rebind<hwy::float16_t, RowTag> d16;
  const hn::Rebind<uint16_t, RowTag> du16;
  put<kStream>(hn::BitCast(du16, hn::DemoteTo(d16, clamped)), du16, reinterpret_cast<uint16_t*>(p));
#else
  HWY_ALIGN float row[16];
  hn::Store(clamped, d, row);
  for (size_t i = 0; i < hn::Lanes(d); ++i) {
    const uint16_t bits = float_to_fp16(row[i]);
    hwy::CopyBytes<2>(&bits, p + i);
  }
#endif
}

#undef CINCH_HAS_F16

// f(a value of the element type) for a dtype of is_codable_float.
template <class F>
HWY_INLINE decltype(auto) with_float_type(DType dtype, F&& f) {
  switch (dtype) {
    case DType::kFloat32:
      return f(float());
    case DType::kBFloat16:
      return f(hwy::bfloat16_t());
    default:
      return f(hwy::float16_t());
  }
}

}  // namespace cinch::codec::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
