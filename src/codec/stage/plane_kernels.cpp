#include "src/codec/stage/plane_kernels.h"

#include "src/backend/cpu/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/codec/stage/plane_kernels.cpp"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "src/codec/stage/float_rows-inl.h"

HWY_BEFORE_NAMESPACE();
namespace cinch::codec::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// At most 64 lanes, so that a vector's mask fits a word.
template <class T>
using LaneTag = hn::CappedTag<T, 64>;
using DoubleTag = LaneTag<double>;

HWY_INLINE hn::Vec<DoubleTag> load_row(DoubleTag d, const double* p) { return hn::LoadU(d, p); }

template <class D, class M>
HWY_INLINE uint64_t bits_of(D d, M mask) {
  // Highway may write 8 bytes at once, and fewer than 8 lanes leave the rest of the byte undefined on some sets.
  alignas(8) uint8_t bytes[8] = {};
  hn::StoreMaskBits(d, mask, bytes);
  uint64_t word;
  hwy::CopyBytes<8>(bytes, &word);
  const size_t n = hn::Lanes(d);
  return n >= 64 ? word : word & ((uint64_t{1} << n) - 1);
}

template <class D, class T, class Test>
HWY_INLINE void plane_of(D d, const T* in, int64_t words, uint64_t* plane, Test test) {
  const size_t n = hn::Lanes(d);
  for (int64_t w = 0; w < words; ++w) {
    uint64_t word = 0;
    for (size_t i = 0; i < static_cast<size_t>(kWord); i += n) {
      word |= bits_of(d, test(load_row(d, in + w * kWord + i))) << i;
    }
    hwy::CopyBytes<8>(&word, plane + w);
  }
}

template <class D, class T>
void predicate_typed(D d, const T* in, int64_t words, const Predicate& p, uint64_t* plane) {
  using F = hn::TFromD<D>;
  const auto lo = hn::Set(d, static_cast<F>(p.lo)), hi = hn::Set(d, static_cast<F>(p.hi)), zero = hn::Zero(d);
  const auto run = [&](auto test) {
    if (p.nan_on) {
      plane_of(d, in, words, plane,
               [&](auto x) { return hn::Or(test(x), hn::Not(hn::Eq(x, x))); });  // Ne is false for NaN on some sets
    } else {
      plane_of(d, in, words, plane, test);
    }
  };
  switch (p.kind) {
    case PredicateKind::kGreater:
      return run([&](auto x) { return hn::Gt(x, lo); });
    case PredicateKind::kGreaterEqual:
      return run([&](auto x) { return hn::Ge(x, lo); });
    case PredicateKind::kLess:
      return run([&](auto x) { return hn::Lt(x, hi); });
    case PredicateKind::kLessEqual:
      return run([&](auto x) { return hn::Le(x, hi); });
    case PredicateKind::kOpenInterval:
      return run([&](auto x) { return hn::And(hn::Gt(x, lo), hn::Lt(x, hi)); });
    case PredicateKind::kClosedInterval:
      return run([&](auto x) { return hn::And(hn::Ge(x, lo), hn::Le(x, hi)); });
    case PredicateKind::kAbsGreater:
      return run([&](auto x) { return hn::Gt(hn::Abs(x), lo); });
    default:
      return run([&](auto x) { return hn::Gt(x, zero); });
  }
}

// Calls f(tag, typed pointer) for a float dtype.
template <class F>
void with_floats(const void* in, DType dtype, F f) {
  switch (dtype) {
    case DType::kFloat32:
      return f(RowTag(), static_cast<const float*>(in));
    case DType::kBFloat16:
      return f(RowTag(), static_cast<const hwy::bfloat16_t*>(in));
    case DType::kFloat16:
      return f(RowTag(), static_cast<const hwy::float16_t*>(in));
    default:
      return f(DoubleTag(), static_cast<const double*>(in));
  }
}

void predicate_any(const void* in, int64_t words, DType dtype, const Predicate& p, uint64_t* plane) {
  with_floats(in, dtype, [&](auto d, auto* values) { predicate_typed(d, values, words, p, plane); });
}

void negative_any(const void* in, int64_t words, DType dtype, uint64_t* plane) {
  with_floats(in, dtype, [&](auto d, auto* values) {
    plane_of(d, values, words, plane, [&](auto x) { return hn::Lt(x, hn::Zero(d)); });
  });
}

template <class T>
bool pattern_typed(const void* in, int64_t words, uint64_t off_pattern, uint64_t on_pattern, uint64_t* plane) {
  const LaneTag<T> d;
  const size_t n = hn::Lanes(d);
  const auto off = hn::Set(d, static_cast<T>(off_pattern)), on = hn::Set(d, static_cast<T>(on_pattern));
  const T* values = static_cast<const T*>(in);
  for (int64_t w = 0; w < words; ++w) {
    uint64_t word = 0;
    bool known = true;
    for (size_t i = 0; i < static_cast<size_t>(kWord); i += n) {
      const auto x = hn::LoadU(d, values + w * kWord + i);
      const auto is_on = hn::Eq(x, on);
      known &= hn::AllTrue(d, hn::Or(is_on, hn::Eq(x, off)));
      word |= bits_of(d, is_on) << i;
    }
    if (!known) return false;
    hwy::CopyBytes<8>(&word, plane + w);
  }
  return true;
}

bool pattern_any(const void* in, int64_t words, int64_t width, uint64_t off, uint64_t on, uint64_t* plane) {
  switch (width) {
    case 1:
      return pattern_typed<uint8_t>(in, words, off, on, plane);
    case 2:
      return pattern_typed<uint16_t>(in, words, off, on, plane);
    case 4:
      return pattern_typed<uint32_t>(in, words, off, on, plane);
    default:
      return pattern_typed<uint64_t>(in, words, off, on, plane);
  }
}

void nonzero_any(const void* in, int64_t words, uint64_t* plane) {
  const LaneTag<uint8_t> d;
  const size_t n = hn::Lanes(d);
  const auto* bytes = static_cast<const uint8_t*>(in);
  for (int64_t w = 0; w < words; ++w) {
    uint64_t word = 0;
    for (size_t i = 0; i < static_cast<size_t>(kWord); i += n) {
      word |= bits_of(d, hn::Ne(hn::LoadU(d, bytes + w * kWord + i), hn::Zero(d))) << i;
    }
    hwy::CopyBytes<8>(&word, plane + w);
  }
}

template <class D>
HWY_INLINE auto mask_of(D d, uint64_t word) {
  uint8_t bytes[8];
  hwy::CopyBytes<8>(&word, bytes);
  return hn::LoadMaskBits(d, bytes);
}

template <bool kStream, class T>
void choose_typed(const uint64_t* plane, const uint64_t* second_plane, int64_t words, const Choice& choice, T* out) {
  const LaneTag<T> d;
  const size_t n = hn::Lanes(d);
  const auto off = hn::Set(d, static_cast<T>(choice.off)), on = hn::Set(d, static_cast<T>(choice.on));
  const auto second = hn::Set(d, static_cast<T>(choice.second));
  for (int64_t w = 0; w < words; ++w) {
    uint64_t word, other = 0;
    hwy::CopyBytes<8>(plane + w, &word);
    if (second_plane != nullptr) hwy::CopyBytes<8>(second_plane + w, &other);
    for (size_t i = 0; i < static_cast<size_t>(kWord); i += n) {
      auto v = hn::IfThenElse(mask_of(d, word >> i), on, off);
      if (second_plane != nullptr) v = hn::IfThenElse(mask_of(d, other >> i), second, v);
      put<kStream>(v, d, out + w * kWord + i);
    }
  }
  if (kStream) hwy::FlushStream();
}

void choose_any(const uint64_t* plane, const uint64_t* second, int64_t words, int64_t width, const Choice& choice,
                void* out, bool stream) {
  const auto run = [&](auto* values) {
    stream ? choose_typed<true>(plane, second, words, choice, values)
           : choose_typed<false>(plane, second, words, choice, values);
  };
  switch (width) {
    case 1:
      return run(static_cast<uint8_t*>(out));
    case 2:
      return run(static_cast<uint16_t*>(out));
    case 4:
      return run(static_cast<uint32_t*>(out));
    default:
      return run(static_cast<uint64_t*>(out));
  }
}

}  // namespace cinch::codec::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cinch::codec {
HWY_EXPORT(predicate_any);
HWY_EXPORT(negative_any);
HWY_EXPORT(pattern_any);
HWY_EXPORT(nonzero_any);
HWY_EXPORT(choose_any);

void predicate_plane(const void* in, int64_t words, DType dtype, const Predicate& predicate, uint64_t* plane) {
  HWY_DYNAMIC_DISPATCH(predicate_any)(in, words, dtype, predicate, plane);
}
void negative_plane(const void* in, int64_t words, DType dtype, uint64_t* plane) {
  HWY_DYNAMIC_DISPATCH(negative_any)(in, words, dtype, plane);
}
bool pattern_plane(const void* in, int64_t words, int64_t width, uint64_t off, uint64_t on, uint64_t* plane) {
  return HWY_DYNAMIC_DISPATCH(pattern_any)(in, words, width, off, on, plane);
}
void nonzero_plane(const void* in, int64_t words, uint64_t* plane) {
  HWY_DYNAMIC_DISPATCH(nonzero_any)(in, words, plane);
}
void choose(const uint64_t* plane, const uint64_t* second_plane, int64_t words, int64_t width, const Choice& choice,
            void* out, bool stream) {
  HWY_DYNAMIC_DISPATCH(choose_any)(plane, second_plane, words, width, choice, out, stream);
}

}  // namespace cinch::codec
#endif
