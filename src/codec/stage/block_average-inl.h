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

#include <algorithm>
#include <limits>

#include "src/codec/stage/float_rows-inl.h"
#include "src/codec/stage/grid.h"

HWY_BEFORE_NAMESPACE();
namespace cinch::codec::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Averages from here on decline the tensor; no residual of smaller ones overflows.
constexpr float kLargestAverage = 0x1p117f;
constexpr int64_t kTileValues = 1024;  // columns at a time, on the stack: at least 16 inner indices of a block of 64
constexpr float kInfinity = std::numeric_limits<float>::infinity();

// What is known of columns, and then of blocks, of a tile: sums, and with kRange the extremes. In place, stage by
// stage.
struct Tile {
  HWY_ALIGN float sums[kTileValues + 2 * kVectorSlack];
  HWY_ALIGN float lows[kTileValues + 2 * kVectorSlack];
  HWY_ALIGN float highs[kTileValues + 2 * kVectorSlack];
};

// The lowest and the highest residual (value - average as stored) for each inner index; of inner = 1, for each lane.
// Subtraction is monotone, so a block's extremes give the extremes of its residuals, to the bit.
struct ResidualRanges {
  HWY_ALIGN float low[kTileValues + kVectorSlack];
  HWY_ALIGN float high[kTileValues + kVectorSlack];
};

// `rows` rows of `planes` planes that a band of blocks has in common.
struct Band {
  int64_t rows, row_stride, planes, plane_stride;
};

// `count` columns of a band that begins at `first`. `end` is that of the tensor: up to there whole vectors are read.
template <bool kRange, class T>
HWY_INLINE void add_columns(const T* first, const Band& band, int64_t count, const T* end, int64_t at, Tile& tile) {
  const RowTag d;
  const auto n = static_cast<int64_t>(hn::Lanes(d));
  const T* last = first + (band.planes - 1) * band.plane_stride + (band.rows - 1) * band.row_stride;
  for (int64_t j = 0; j < count; j += n) {
    const bool whole = end - (last + j) >= n;
    auto sum = hn::Zero(d), low = hn::Set(d, kInfinity), high = hn::Neg(low);
    const auto add = [&](auto x) HWY_ATTR {
      sum = hn::Add(sum, x);
      if constexpr (kRange) low = hn::Min(low, x), high = hn::Max(high, x);
    };
    for (int64_t p = 0; p < band.planes; ++p) {
      const T* from = first + p * band.plane_stride + j;
      if (HWY_LIKELY(whole)) {
        for (int64_t r = 0; r < band.rows; ++r) add(load_row(d, from + r * band.row_stride));
      } else {
        for (int64_t r = 0; r < band.rows; ++r) add(load_part(d, from + r * band.row_stride, HWY_MIN(n, count - j)));
      }
    }
    hn::StoreU(sum, d, tile.sums + at + j);
    if constexpr (kRange) hn::StoreU(low, d, tile.lows + at + j), hn::StoreU(high, d, tile.highs + at + j);
  }
}

// Joins columns 2i and 2i + 1 for i < count, all of inner = 1. Reads and writes more, for which the tile has room, and
// of which nothing is used.
template <bool kRange>
HWY_INLINE void join_neighbours(Tile& tile, int64_t count) {
  const RowTag d;
  const auto n = static_cast<int64_t>(hn::Lanes(d));
  hn::Vec<RowTag> even, odd;
  for (int64_t i = 0; i < count; i += n) {
    hn::LoadInterleaved2(d, tile.sums + 2 * i, even, odd);
    hn::StoreU(hn::Add(even, odd), d, tile.sums + i);
    if constexpr (!kRange) continue;
    hn::LoadInterleaved2(d, tile.lows + 2 * i, even, odd);
    hn::StoreU(hn::Min(even, odd), d, tile.lows + i);
    hn::LoadInterleaved2(d, tile.highs + 2 * i, even, odd);
    hn::StoreU(hn::Max(even, odd), d, tile.highs + i);
  }
}

// Joins the `columns` columns of one block, `inner` values each; the result is in the first.
template <bool kRange>
HWY_INLINE void join_block(Tile& tile, int64_t at, int64_t columns, int64_t inner) {
  const auto pairs = [&](float* HWY_RESTRICT v, const auto& join) HWY_ATTR {
    for (int64_t left = columns; left > 1; left = (left + 1) / 2) {
      for (int64_t q = 0; q < left / 2; ++q)
        for (int64_t i = 0; i < inner; ++i) v[q * inner + i] = join(v[2 * q * inner + i], v[(2 * q + 1) * inner + i]);
      if (left % 2 != 0)
        for (int64_t i = 0; i < inner; ++i) v[left / 2 * inner + i] = v[(left - 1) * inner + i];
    }
  };
  pairs(tile.sums + at, [](float a, float b) HWY_ATTR { return a + b; });
  if constexpr (!kRange) return;
  pairs(tile.lows + at, [](float a, float b) HWY_ATTR { return a < b ? a : b; });
  pairs(tile.highs + at, [](float a, float b) HWY_ATTR { return a > b ? a : b; });
}

// Averages of `count` joined blocks of `size` values from `at` on; false where one is not finite or too large. No
// denormals are kept. Of inner = 1 (`lanes_alone`) all blocks are of one map.
template <bool kRange>
HWY_INLINE bool put_averages(const Tile& tile, int64_t at, int64_t count, int64_t size, bool lanes_alone, uint16_t* out,
                             ResidualRanges* ranges) {
  const RowTag d;
  const hn::RebindToUnsigned<RowTag> du;
  const auto n = static_cast<int64_t>(hn::Lanes(d));
  const auto divisor = hn::Set(d, static_cast<float>(size)), largest = hn::Set(d, kLargestAverage);
  bool fine = true;
  for (int64_t j = 0; j < count; j += n) {
    const int64_t lanes = HWY_MIN(n, count - j);
    const auto mine = hn::FirstN(d, static_cast<size_t>(lanes));
    const auto average = hn::Div(hn::LoadU(d, tile.sums + at + j), divisor);
    fine &= hn::AllFalse(d, hn::And(hn::Not(hn::Lt(hn::Abs(average), largest)), mine));
    const auto bits = hn::BitCast(du, average);
    const auto normal = hn::Gt(hn::And(bits, hn::Set(du, 0x7f800000u)), hn::Zero(du));
    const auto odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(du, 1u));
    const auto rounded = hn::ShiftRight<16>(hn::Add(bits, hn::Add(odd, hn::Set(du, 0x7fffu))));
    const auto kept = hn::IfThenElseZero(normal, rounded);
    if (lanes == n) {
      store_u16(kept, out + j);
    } else {
      uint16_t part[kVectorSlack];
      store_u16(kept, part);
      std::memcpy(out + j, part, static_cast<size_t>(lanes) * 2);
    }
    if constexpr (kRange) {
      const auto stored = hn::BitCast(d, hn::ShiftLeft<16>(kept));
      float* low = ranges->low + (lanes_alone ? 0 : j);
      float* high = ranges->high + (lanes_alone ? 0 : j);
      const auto below = hn::Sub(hn::LoadU(d, tile.lows + at + j), stored),
                 above = hn::Sub(hn::LoadU(d, tile.highs + at + j), stored), old_low = hn::LoadU(d, low),
                 old_high = hn::LoadU(d, high);
      hn::StoreU(hn::IfThenElse(mine, hn::Min(old_low, below), old_low), d, low);
      hn::StoreU(hn::IfThenElse(mine, hn::Max(old_high, above), old_high), d, high);
    }
  }
  return fine;
}

// Averages of the blocks of one slab; false as of put_averages. With kRange, sink(first inner index, how many, ranges)
// is told the residuals of all inner indices, some at a time.
template <bool kRange, class T, class Sink>
HWY_INLINE bool average_slab(const T* slab, const T* end, const Grid& g, const Blocks& b, uint16_t* averages,
                             const Sink& sink) {
  const int64_t width = g.sides[2], edge = b.edge, row_stride = width * g.inner, plane_stride = g.sides[1] * row_stride;
  const int64_t inner = HWY_MIN(g.inner, HWY_MAX(int64_t{16}, kTileValues / edge / 16 * 16));
  const int64_t most = HWY_MAX(int64_t{1}, kTileValues / inner / edge) * edge;  // positions of a tile
  const bool halves = inner == 1 && (edge & (edge - 1)) == 0;
  Tile tile;
  ResidualRanges ranges;
  bool fine = true;
  for (int64_t i = 0; i < g.inner; i += inner) {
    const int64_t some = HWY_MIN(inner, g.inner - i);
    if constexpr (kRange) {
      std::fill(ranges.low, ranges.low + some + kVectorSlack, kInfinity);
      std::fill(ranges.high, ranges.high + some + kVectorSlack, -kInfinity);
    }
    for (int64_t d = 0; d < g.sides[0]; d += edge) {
      for (int64_t h = 0; h < g.sides[1]; h += edge) {
        const Band band{HWY_MIN(edge, g.sides[1] - h), row_stride, HWY_MIN(edge, g.sides[0] - d), plane_stride};
        const T* row = slab + d * plane_stride + h * row_stride + i;
        uint16_t* out = averages + row_averages(g, b, d, h) + i;
        for (int64_t w = 0; w < width; w += most, out += most / edge * g.inner) {
          const int64_t positions = HWY_MIN(most, width - w), whole = positions / edge, rest = positions - whole * edge;
          const int64_t size = band.planes * band.rows;
          if (some == g.inner) {
            add_columns<kRange>(row + w * g.inner, band, positions * some, end, 0, tile);
          } else {
            for (int64_t p = 0; p < positions; ++p)
              add_columns<kRange>(row + (w + p) * g.inner, band, some, end, p * some, tile);
          }
          if (rest != 0) {
            join_block<kRange>(tile, whole * edge * some, rest, some);
            fine &= put_averages<kRange>(tile, whole * edge * some, some, size * rest, inner == 1,
                                         out + whole * g.inner, &ranges);
          }
          if (halves) {
            for (int64_t columns = whole * edge; columns > whole; columns /= 2)
              join_neighbours<kRange>(tile, columns / 2);
            fine &= put_averages<kRange>(tile, 0, whole, size * edge, true, out, &ranges);
          } else {
            for (int64_t k = 0; k < whole; ++k) {
              join_block<kRange>(tile, k * edge * some, edge, some);
              fine &= put_averages<kRange>(tile, k * edge * some, some, size * edge, inner == 1, out + k * g.inner,
                                           &ranges);
            }
          }
        }
      }
    }
    if constexpr (kRange) sink(i, some, ranges);
  }
  return fine;
}

// `count` values of one row, each the average of its block; `left` are those of the first block. Writes up to
// kVectorSlack more.
HWY_INLINE void upsample(const uint16_t* average, int64_t left, int64_t edge, int64_t count, float* HWY_RESTRICT out) {
  const RowTag d;
  const auto n = static_cast<int64_t>(hn::Lanes(d));
  if (edge <= n) {  // one store a block: the next one, or the slack, takes what is too much
    for (; count > 0; count -= left, out += left, left = edge)
      hn::StoreU(hn::Set(d, bf16_to_float(*average++)), d, out), left = HWY_MIN(left, count);
    return;
  }
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
