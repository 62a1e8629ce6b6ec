// A group as 256 floats on the stack, between the stages that take values apart by map or channel and those that take
// them by rows. Compiled once for each instruction set.
#if defined(CINCH_TILE_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef CINCH_TILE_INL_H
#undef CINCH_TILE_INL_H
#else
#define CINCH_TILE_INL_H
#endif

#include <hwy/highway.h>

#include "src/codec/fixed_rate/pack_rows-inl.h"

HWY_BEFORE_NAMESPACE();
namespace cinch::codec::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

template <int B, bool kNearest>
HWY_INLINE void pack_tile(const float* tile, uint64_t key, std::byte* codes) {
  const RowTag d;
  pack_rows<B, kNearest>([&](int row, size_t c) HWY_ATTR { return hn::Load(d, tile + row * kColumns + c); }, key,
                         reinterpret_cast<uint32_t*>(codes));
}

template <int B>
HWY_INLINE void unpack_tile(const std::byte* codes, float* tile) {
  const RowTag d;
  unpack_rows<B>(reinterpret_cast<const uint32_t*>(codes),
                 [&](int row, size_t c, auto code) HWY_ATTR { hn::Store(code, d, tile + row * kColumns + c); });
}

template <bool kStream, class T>
HWY_INLINE void store_rows(const float* tile, T* out) {
  const RowTag d;
  for (int64_t j = 0; j < kGroup; j += static_cast<int64_t>(hn::Lanes(d)))
    store_row<kStream>(hn::Load(d, tile + j), d, out + j);
}

// The first `count` values.
template <class T>
HWY_INLINE void store_tile(const float* tile, int64_t count, T* out, bool stream) {
  if (HWY_UNLIKELY(count < kGroup)) {
    HWY_ALIGN T values[kGroup];
    store_rows<false>(tile, values);
    std::memcpy(out, values, static_cast<size_t>(count) * sizeof(T));
  } else if (stream) {
    store_rows<true>(tile, out);
  } else {
    store_rows<false>(tile, out);
  }
}

// The sides of maps or channels that follow each other, a word each; zeros behind the first `count`.
template <class Side>
HWY_INLINE hn::Vec<hn::RebindToUnsigned<RowTag>> load_words(RowTag d, const Side* p, int64_t count) {
  static_assert(sizeof(Side) == sizeof(uint32_t));
  const hn::RebindToUnsigned<RowTag> du;
  const auto* words = reinterpret_cast<const uint32_t*>(p);
  return HWY_LIKELY(count >= static_cast<int64_t>(hn::Lanes(d))) ? hn::LoadU(du, words) : load_first(du, words, count);
}

}  // namespace cinch::codec::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
