// Values from block averages by nearest upsampling, in memory order. Compiled once for each instruction set.
#if defined(CINCH_UPSAMPLE_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef CINCH_UPSAMPLE_INL_H
#undef CINCH_UPSAMPLE_INL_H
#else
#define CINCH_UPSAMPLE_INL_H
#endif

#include <hwy/highway.h>

#include "src/codec/stage/float_rows-inl.h"
#include "src/codec/stage/grid.h"

HWY_BEFORE_NAMESPACE();
namespace cinch::codec::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// One store a block of at most a vector: the next one, or the slack, takes what is too much.
template <class D>
HWY_INLINE void repeat_each(D d, const uint16_t* average, int64_t left, int64_t edge, int64_t count,
                            float* HWY_RESTRICT out) {
  hn::StoreU(hn::Set(d, bf16_to_float(*average)), d, out);
  for (int64_t at = left; at < count; at += edge) hn::StoreU(hn::Set(d, bf16_to_float(*++average)), d, out + at);
}

// `count` values of one row, each the average of its block; `left` are those of the first block. Writes up to
// kVectorSlack more.
HWY_INLINE void upsample(const uint16_t* average, int64_t left, int64_t edge, int64_t count, float* HWY_RESTRICT out) {
  const RowTag d;
  const hn::CappedTag<float, 8> half;  // narrow stores cross fewer cache lines
  const auto n = static_cast<int64_t>(hn::Lanes(d));
  if (edge <= static_cast<int64_t>(hn::Lanes(half))) return repeat_each(half, average, left, edge, count, out);
  if (edge <= n) return repeat_each(d, average, left, edge, count, out);
  for (; count > 0; left = edge) {
    const auto value = hn::Set(d, bf16_to_float(*average++));
    const int64_t length = HWY_MIN(left, count);
    for (int64_t j = 0; j < length; j += n) hn::StoreU(value, d, out + j);
    out += length;
    count -= length;
  }
}

// The next `count` values as predicted from the averages of all blocks; moves the cursor. Writes up to kVectorSlack
// more.
HWY_INLINE void predict(const uint16_t* averages, const Grid& g, const Blocks& b, BlockCursor& at, int64_t count,
                        float* HWY_RESTRICT out) {
  const RowTag d;
  const auto n = static_cast<int64_t>(hn::Lanes(d));
  while (count > 0) {
    const int64_t length = HWY_MIN(at.run(), count);
    const uint16_t* from = averages + at.average();
    if (g.inner == 1) {
      upsample(from, at.left(), b.edge, length, out);
    } else {
      const auto* values = reinterpret_cast<const hwy::bfloat16_t*>(from);
      for (int64_t j = 0; j < length; j += n) hn::StoreU(load_up_to(d, values + j, length - j), d, out + j);
    }
    at.advance(length);
    out += length;
    count -= length;
  }
}

}  // namespace cinch::codec::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
