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

// Averages of `count` joined blocks from `at` on; false where one is not finite or too large. No denormals are kept.
// size_of(j) are the numbers of values of blocks from the j-th on, and put_range(j, lows, highs) is told
// their residuals' extremes.
template <bool kRange, class SizeOf, class PutRange>
HWY_INLINE bool put_averages(const Tile& tile, int64_t at, int64_t count, const SizeOf& size_of, uint16_t* out,
                             const PutRange& put_range) {
  const RowTag d;
  const hn::RebindToUnsigned<RowTag> du;
  const auto n = static_cast<int64_t>(hn::Lanes(d));
  const auto largest = hn::Set(d, kLargestAverage);
  bool fine = true;
  for (int64_t j = 0; j < count; j += n) {
    const int64_t lanes = HWY_MIN(n, count - j);
    const auto mine = hn::FirstN(d, static_cast<size_t>(lanes));
    const auto average = hn::Div(hn::LoadU(d, tile.sums + at + j), size_of(j));
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
      put_range(j, hn::Sub(hn::LoadU(d, tile.lows + at + j), stored),
                hn::Sub(hn::LoadU(d, tile.highs + at + j), stored));
    }
  }
  return fine;
}

// Averages of the blocks of one slab, some inner indices at a time; false as of put_averages. With kRange,
// sink(inner index, lowest, highest residual) is told of each of its maps.
template <bool kRange, class T, class Sink>
HWY_INLINE bool average_slab(const T* slab, const T* end, const Grid& g, const Blocks& b, uint16_t* averages,
                             const Sink& sink) {
  const RowTag v;
  const int64_t width = g.sides[2], edge = b.edge, row_stride = width * g.inner, plane_stride = g.sides[1] * row_stride;
  const int64_t inner = HWY_MIN(g.inner, HWY_MAX(int64_t{16}, kTileValues / edge / 16 * 16));
  const int64_t most = HWY_MAX(int64_t{1}, kTileValues / inner / edge) * edge;  // positions of a tile
  Tile tile;
  HWY_ALIGN float low[kTileValues + kVectorSlack], high[kTileValues + kVectorSlack];
  bool fine = true;
  for (int64_t i = 0; i < g.inner; i += inner) {
    const int64_t some = HWY_MIN(inner, g.inner - i);
    if constexpr (kRange) {
      std::fill(low, low + some + kVectorSlack, kInfinity);
      std::fill(high, high + some + kVectorSlack, -kInfinity);
    }
    const auto put_range = [&](int64_t j, auto below, auto above) HWY_ATTR {
      hn::StoreU(hn::Min(hn::LoadU(v, low + j), below), v, low + j);
      hn::StoreU(hn::Max(hn::LoadU(v, high + j), above), v, high + j);
    };
    for (int64_t d = 0; d < g.sides[0]; d += edge) {
      for (int64_t h = 0; h < g.sides[1]; h += edge) {
        const Band band{HWY_MIN(edge, g.sides[1] - h), row_stride, HWY_MIN(edge, g.sides[0] - d), plane_stride};
        const T* row = slab + d * plane_stride + h * row_stride + i;
        uint16_t* out = averages + row_averages(g, b, d, h) + i;
        for (int64_t w = 0; w < width; w += most) {
          const int64_t positions = HWY_MIN(most, width - w);
          if (some == g.inner) {
            add_columns<kRange>(row + w * g.inner, band, positions * some, end, 0, tile);
          } else {
            for (int64_t p = 0; p < positions; ++p)
              add_columns<kRange>(row + (w + p) * g.inner, band, some, end, p * some, tile);
          }
          for (int64_t p = 0; p < positions; p += edge, out += g.inner) {
            const int64_t columns = HWY_MIN(edge, positions - p);
            join_block<kRange>(tile, p * some, columns, some);
            const auto size = hn::Set(v, static_cast<float>(band.planes * band.rows * columns));
            fine &= put_averages<kRange>(
                tile, p * some, some, [&](int64_t) HWY_ATTR { return size; }, out, put_range);
          }
        }
      }
    }
    if constexpr (kRange)
      for (int64_t k = 0; k < some; ++k) sink(i + k, low[k], high[k]);
  }
  return fine;
}

// The same of slabs [first, last) that are one map each, for an edge that is a power of two: bands of many slabs share
// a tile, whose columns are filled up to whole blocks, so that small maps are averaged together. sink(slab, lowest,
// highest residual).
template <bool kRange, class T, class Sink>
HWY_INLINE bool average_planes(const T* data, const T* end, const Grid& g, const Blocks& b, int64_t first, int64_t last,
                               uint16_t* averages, const Sink& sink) {
  const RowTag v;
  const auto n = static_cast<int64_t>(hn::Lanes(v));
  const int64_t width = g.sides[2], edge = b.edge, plane_stride = g.sides[1] * width;
  const int64_t slab_blocks = slab_averages(g, b);
  Tile tile;
  HWY_ALIGN float sizes[kTileValues + kVectorSlack];
  uint16_t* out = averages + first * slab_blocks;
  int64_t filled = 0, slab = first, left = slab_blocks;  // columns of the tile; blocks of `slab` that are to come
  float low = kInfinity, high = -kInfinity;
  bool fine = true;
  const auto flush = [&]() HWY_ATTR {
    const int64_t blocks = filled / edge;
    for (int64_t columns = filled; columns > blocks; columns /= 2) join_neighbours<kRange>(tile, columns / 2);
    fine &= put_averages<kRange>(
        tile, 0, blocks, [&](int64_t j) HWY_ATTR { return hn::Load(v, sizes + j); }, out,
        [&](int64_t j, auto below, auto above) HWY_ATTR {
          hn::Store(below, v, tile.lows + j);
          hn::Store(above, v, tile.highs + j);
        });
    out += blocks;
    filled = 0;
    if constexpr (!kRange) return;
    for (int64_t k = 0; k < blocks;) {
      int64_t count = HWY_MIN(left, blocks - k);
      left -= count;
      if (count >= n) {
        auto lows = hn::Set(v, low), highs = hn::Set(v, high);
        for (; count >= n; count -= n, k += n) {
          lows = hn::Min(lows, hn::LoadU(v, tile.lows + k));
          highs = hn::Max(highs, hn::LoadU(v, tile.highs + k));
        }
        low = hn::GetLane(hn::MinOfLanes(v, lows));
        high = hn::GetLane(hn::MaxOfLanes(v, highs));
      }
      for (; count > 0; --count, ++k) low = HWY_MIN(low, tile.lows[k]), high = HWY_MAX(high, tile.highs[k]);
      if (left > 0) continue;
      sink(slab++, low, high);
      left = slab_blocks, low = kInfinity, high = -kInfinity;
    }
  };
  const auto add_row = [&](const T* row, const Band& band) HWY_ATTR {
    for (int64_t w = 0; w < width;) {
      const int64_t columns = HWY_MIN(width - w, (kTileValues - filled) & -edge);
      if (columns == 0) {
        flush();
        continue;
      }
      add_columns<kRange>(row + w, band, columns, end, filled, tile);
      const int64_t whole = (columns + edge - 1) & -edge, block = filled / edge;
      const auto size = hn::Set(v, static_cast<float>(band.planes * band.rows * edge));
      for (int64_t k = 0; k < whole / edge; k += n) hn::StoreU(size, v, sizes + block + k);
      if (columns != whole) {
        sizes[block + whole / edge - 1] = static_cast<float>(band.planes * band.rows * (edge - (whole - columns)));
        for (int64_t c = filled + columns; c < filled + whole; c += n) {
          hn::StoreU(hn::Zero(v), v, tile.sums + c);
          if constexpr (!kRange) continue;
          hn::StoreU(hn::Set(v, kInfinity), v, tile.lows + c);
          hn::StoreU(hn::Set(v, -kInfinity), v, tile.highs + c);
        }
      }
      w += columns;
      filled += whole;
    }
  };
  for (int64_t s = first; s < last; ++s) {
    for (int64_t d = 0; d < g.sides[0]; d += edge) {
      const T* plane = data + (s * g.sides[0] + d) * plane_stride;
      for (int64_t h = 0; h < g.sides[1]; h += edge)
        add_row(plane + h * width, {HWY_MIN(edge, g.sides[1] - h), width, HWY_MIN(edge, g.sides[0] - d), plane_stride});
    }
  }
  flush();
  return fine;
}

// Averages of slabs [first, last); false as of put_averages. With kRange, sink(map, lowest, highest residual).
template <bool kRange, class T, class Sink>
HWY_INLINE bool average_slabs(const T* data, const T* end, const Grid& g, const Blocks& b, int64_t first, int64_t last,
                              uint16_t* averages, const Sink& sink) {
  if (g.inner == 1 && (b.edge & (b.edge - 1)) == 0)
    return average_planes<kRange>(data, end, g, b, first, last, averages, sink);
  for (int64_t s = first; s < last; ++s) {
    const auto put = [&](int64_t i, float low, float high) HWY_ATTR { sink(s * g.inner + i, low, high); };
    if (!average_slab<kRange>(data + s * slab_values(g), end, g, b, averages + s * slab_averages(g, b), put))
      return false;
  }
  return true;
}

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
