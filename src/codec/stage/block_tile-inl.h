// Columns on the stack that become blocks: what block_average-inl.h is made of. The order of additions is fixed, so
// that every instruction set gives the same bytes: values of a column (one position along the width, one inner index)
// are added in memory order; then the columns of a block in pairs of neighbours, again and again, an odd last one going
// on as it is. Compiled once for each instruction set.
#if defined(CINCH_BLOCK_TILE_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef CINCH_BLOCK_TILE_INL_H
#undef CINCH_BLOCK_TILE_INL_H
#else
#define CINCH_BLOCK_TILE_INL_H
#endif

#include <hwy/highway.h>

#include <cstring>
#include <limits>

#include "src/codec/stage/float_rows-inl.h"
#include "src/codec/stage/grid.h"

HWY_BEFORE_NAMESPACE();
namespace cinch::codec::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

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

// Averages of blocks as they are stored, no denormals among them.
struct Averages {
  hn::Vec<hn::RebindToUnsigned<RowTag>> bits;  // bfloat16
  hn::Mask<RowTag> fine;                       // finite and not too large
};
HWY_INLINE Averages stored_averages(hn::Vec<RowTag> average) {
  const RowTag d;
  const hn::RebindToUnsigned<RowTag> du;
  const auto bits = hn::BitCast(du, average);
  const auto normal = hn::Gt(hn::And(bits, hn::Set(du, 0x7f800000u)), hn::Zero(du));
  const auto odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(du, 1u));
  const auto rounded = hn::ShiftRight<16>(hn::Add(bits, hn::Add(odd, hn::Set(du, 0x7fffu))));
  return {hn::IfThenElseZero(normal, rounded), hn::Lt(hn::Abs(average), hn::Set(d, kLargestAverage))};
}

// Averages of `count` joined blocks from `at` on; false where one is not finite or too large. size_of(j) are the
// numbers of values of blocks from the j-th on, and put_range(j, lows, highs) is told their residuals' extremes.
template <bool kRange, class SizeOf, class PutRange>
HWY_INLINE bool put_averages(const Tile& tile, int64_t at, int64_t count, const SizeOf& size_of, uint16_t* out,
                             const PutRange& put_range) {
  const RowTag d;
  const auto n = static_cast<int64_t>(hn::Lanes(d));
  bool fine = true;
  for (int64_t j = 0; j < count; j += n) {
    const int64_t lanes = HWY_MIN(n, count - j);
    const auto mine = hn::FirstN(d, static_cast<size_t>(lanes));
    const Averages a = stored_averages(hn::Div(hn::LoadU(d, tile.sums + at + j), size_of(j)));
    fine &= hn::AllFalse(d, hn::And(hn::Not(a.fine), mine));
    if (lanes == n) {
      store_u16(a.bits, out + j);
    } else {
      uint16_t part[kVectorSlack];
      store_u16(a.bits, part);
      std::memcpy(out + j, part, static_cast<size_t>(lanes) * 2);
    }
    if constexpr (kRange) {
      const auto stored = hn::BitCast(d, hn::ShiftLeft<16>(a.bits));
      put_range(j, hn::Sub(hn::LoadU(d, tile.lows + at + j), stored),
                hn::Sub(hn::LoadU(d, tile.highs + at + j), stored));
    }
  }
  return fine;
}

// A block without a tile: kColumns positions, `stride` apart, of a vector of inner indices, joined in the same order.
struct Joined {
  hn::Vec<RowTag> sum, low, high;
};
template <bool kRange, int kColumns, class T>
HWY_INLINE Joined join_columns(const T* first, const Band& band, int64_t stride) {
  const RowTag d;
  if constexpr (kColumns > 1) {
    const Joined a = join_columns<kRange, kColumns / 2>(first, band, stride),
                 b = join_columns<kRange, kColumns / 2>(first + kColumns / 2 * stride, band, stride);
    if constexpr (!kRange) return {hn::Add(a.sum, b.sum), a.low, a.high};
    return {hn::Add(a.sum, b.sum), hn::Min(a.low, b.low), hn::Max(a.high, b.high)};
  } else {
    Joined c{hn::Zero(d), hn::Set(d, kInfinity), hn::Set(d, -kInfinity)};
    for (int64_t p = 0; p < band.planes; ++p) {
      for (int64_t r = 0; r < band.rows; ++r) {
        const auto x = load_row(d, first + p * band.plane_stride + r * band.row_stride);
        c.sum = hn::Add(c.sum, x);
        if constexpr (kRange) c.low = hn::Min(c.low, x), c.high = hn::Max(c.high, x);
      }
    }
    return c;
  }
}

// Averages of a whole block of the usual edge, of `inner` inner indices (whole vectors) that are `stride` a position.
// False and put_range as of put_averages.
constexpr int kUsualEdge = 8;
template <bool kRange, class T, class PutRange>
HWY_INLINE bool average_block(const T* first, const Band& band, int64_t stride, int64_t inner, uint16_t* out,
                              const PutRange& put_range) {
  const RowTag d;
  const auto n = static_cast<int64_t>(hn::Lanes(d));
  const int64_t values = band.planes * band.rows * kUsualEdge;
  const auto size = hn::Set(d, static_cast<float>(values)), share = hn::Set(d, 1 / static_cast<float>(values));
  const bool exact = (values & (values - 1)) == 0;  // then a product with the share is the quotient
  auto fine = hn::FirstN(d, static_cast<size_t>(n));
  const auto block = [&](const Band& some, int64_t i) HWY_ATTR {
    const Joined joined = join_columns<kRange, kUsualEdge>(first + i, some, stride);
    const Averages a = stored_averages(exact ? hn::Mul(joined.sum, share) : hn::Div(joined.sum, size));
    fine = hn::And(fine, a.fine);
    store_u16(a.bits, out + i);
    if constexpr (kRange) {
      const auto stored = hn::BitCast(d, hn::ShiftLeft<16>(a.bits));
      put_range(i, hn::Sub(joined.low, stored), hn::Sub(joined.high, stored));
    }
  };
  if (band.rows == 1 && band.planes == 1) {
    for (int64_t i = 0; i < inner; i += n) block(Band{1, 0, 1, 0}, i);  // tokens: no loops within a column
  } else {
    for (int64_t i = 0; i < inner; i += n) block(band, i);
  }
  return hn::AllTrue(d, fine);
}

}  // namespace cinch::codec::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
