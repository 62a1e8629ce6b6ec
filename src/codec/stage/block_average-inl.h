// The predict stage of block averages: the mean of each block of a slab in bfloat16, and a row of values from them by
// nearest upsampling. The order of additions is fixed, so that every instruction set gives the same bytes: values of a
// column (one position along the width, one inner index) are added in memory order; then the columns of a block in
// pairs of neighbours, again and again, an odd last one going on as it is. Compiled once for each instruction set.
#if defined(CINCH_BLOCK_AVERAGE_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef CINCH_BLOCK_AVERAGE_INL_H
#undef CINCH_BLOCK_AVERAGE_INL_H
#else
#define CINCH_BLOCK_AVERAGE_INL_H
#endif

#include <hwy/highway.h>

#include "src/codec/stage/float_rows-inl.h"
#include "src/codec/stage/grid.h"

HWY_BEFORE_NAMESPACE();
namespace cinch::codec::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Averages from here on decline the tensor; no residual of smaller ones overflows.
constexpr float kLargestAverage = 0x1p117f;
constexpr int64_t kTileValues = 4096;  // column sums at a time, on the stack
constexpr int64_t kTileInner = 64;     // inner indices at a time: a block of 64 such positions still fits

// Sums of `count` columns over rows that begin at `row`, `rows` of `planes` times. `end` is that of the tensor: up to
// there whole vectors are read.
template <class T>
HWY_INLINE void add_columns(const T* row, int64_t rows, int64_t row_stride, int64_t planes, int64_t plane_stride,
                            int64_t count, const T* end, float* HWY_RESTRICT sums) {
  const RowTag d;
  const auto n = static_cast<int64_t>(hn::Lanes(d));
  const T* last = row + (planes - 1) * plane_stride + (rows - 1) * row_stride;
  for (int64_t j = 0; j < count; j += n) {
    const bool whole = end - (last + j) >= n;
    auto sum = hn::Zero(d);
    for (int64_t p = 0; p < planes; ++p) {
      const T* from = row + p * plane_stride + j;
      if (HWY_LIKELY(whole)) {
        for (int64_t r = 0; r < rows; ++r) sum = hn::Add(sum, load_row(d, from + r * row_stride));
      } else {
        for (int64_t r = 0; r < rows; ++r)
          sum = hn::Add(sum, load_part(d, from + r * row_stride, HWY_MIN(n, count - j)));
      }
    }
    hn::StoreU(sum, d, sums + j);
  }
}

// sums[i] = sums[2i] + sums[2i + 1] for i < count.
HWY_INLINE void add_neighbours(float* sums, int64_t count) {
  const RowTag d;
  const auto n = static_cast<int64_t>(hn::Lanes(d));
  for (int64_t i = 0; i < count; i += n) {  // reads beyond 2 * count: the tile has slack, and nobody uses those sums
    hn::Vec<RowTag> even, odd;
    hn::LoadInterleaved2(d, sums + 2 * i, even, odd);
    hn::StoreU(hn::Add(even, odd), d, sums + i);
  }
}

// Adds the `columns` columns of one block, `inner` sums each; the result is in the first.
HWY_INLINE void add_block(float* HWY_RESTRICT sums, int64_t columns, int64_t inner) {
  for (; columns > 1; columns = (columns + 1) / 2) {
    for (int64_t q = 0; q < columns / 2; ++q)
      for (int64_t i = 0; i < inner; ++i) sums[q * inner + i] = sums[2 * q * inner + i] + sums[(2 * q + 1) * inner + i];
    if (columns % 2 != 0)
      for (int64_t i = 0; i < inner; ++i) sums[columns / 2 * inner + i] = sums[(columns - 1) * inner + i];
  }
}

// Averages of `count` sums; false where one is not finite or too large. No denormals are kept.
HWY_INLINE bool put_averages(const float* HWY_RESTRICT sums, int64_t count, int64_t of, uint16_t* out) {
  const RowTag d;
  const hn::RebindToUnsigned<RowTag> du;
  const auto n = static_cast<int64_t>(hn::Lanes(d));
  const auto divisor = hn::Set(d, static_cast<float>(of)), largest = hn::Set(d, kLargestAverage);
  bool fine = true;
  for (int64_t j = 0; j < count; j += n) {
    const int64_t lanes = HWY_MIN(n, count - j);
    const auto average = hn::Div(hn::LoadU(d, sums + j), divisor);
    const auto bad = hn::Not(hn::Lt(hn::Abs(average), largest));
    fine &= hn::AllFalse(d, hn::And(bad, hn::FirstN(d, static_cast<size_t>(lanes))));
    const auto normal = hn::Gt(hn::And(hn::BitCast(du, average), hn::Set(du, 0x7f800000u)), hn::Zero(du));
    const auto kept = hn::IfThenElseZero(hn::RebindMask(d, normal), average);
    if (lanes == n) {
      store_row<false>(kept, d, reinterpret_cast<hwy::bfloat16_t*>(out + j));
    } else {
      uint16_t part[kVectorSlack];
      store_row<false>(kept, d, reinterpret_cast<hwy::bfloat16_t*>(part));
      std::memcpy(out + j, part, static_cast<size_t>(lanes) * 2);
    }
  }
  return fine;
}

// Averages of the blocks of one slab; see put_averages for false.
template <class T>
HWY_INLINE bool average_slab(const T* slab, const T* end, const Grid& g, const Blocks& b, uint16_t* averages) {
  const int64_t width = g.sides[2], row_stride = width * g.inner, plane_stride = g.sides[1] * row_stride;
  const int64_t inner = HWY_MIN(g.inner, kTileInner);
  const int64_t tile = HWY_MAX(int64_t{1}, kTileValues / inner / b.edge) * b.edge;  // positions
  const bool halves = inner == 1 && (b.edge & (b.edge - 1)) == 0;
  HWY_ALIGN float sums[kTileValues + 2 * kVectorSlack];
  bool fine = true;
  for (int64_t d = 0; d < g.sides[0]; d += b.edge) {
    const int64_t planes = HWY_MIN(b.edge, g.sides[0] - d);
    for (int64_t h = 0; h < g.sides[1]; h += b.edge) {
      const int64_t rows = HWY_MIN(b.edge, g.sides[1] - h);
      const T* band = slab + d * plane_stride + h * row_stride;
      uint16_t* out = averages + row_averages(g, b, d, h);
      for (int64_t i = 0; i < g.inner; i += inner) {
        const int64_t some = HWY_MIN(inner, g.inner - i);
        for (int64_t w = 0; w < width; w += tile) {
          const int64_t positions = HWY_MIN(tile, width - w), whole = positions / b.edge, rest = positions % b.edge;
          const T* from = band + w * g.inner + i;
          if (some == g.inner) {
            add_columns(from, rows, row_stride, planes, plane_stride, positions * some, end, sums);
          } else {
            for (int64_t p = 0; p < positions; ++p)
              add_columns(from + p * g.inner, rows, row_stride, planes, plane_stride, some, end, sums + p * some);
          }
          if (rest != 0) add_block(sums + whole * b.edge * some, rest, some);
          const float* last = sums + whole * b.edge * some;
          uint16_t* to = out + w / b.edge * g.inner + i;
          if (rest != 0) fine &= put_averages(last, some, planes * rows * rest, to + whole * g.inner);
          if (halves) {
            for (int64_t columns = whole * b.edge; columns > whole; columns /= 2) add_neighbours(sums, columns / 2);
            fine &= put_averages(sums, whole, planes * rows * b.edge, to);
          } else {
            for (int64_t k = 0; k < whole; ++k) {
              add_block(sums + k * b.edge * some, b.edge, some);
              fine &= put_averages(sums + k * b.edge * some, some, planes * rows * b.edge, to + k * g.inner);
            }
          }
        }
      }
    }
  }
  return fine;
}

// `count` values of one row, each the average of its block; `left` are those of the first block. Writes up to
// kVectorSlack more.
HWY_INLINE void upsample(const uint16_t* average, int64_t left, int64_t edge, int64_t count, float* HWY_RESTRICT out) {
  const RowTag d;
  const auto n = static_cast<int64_t>(hn::Lanes(d));
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
