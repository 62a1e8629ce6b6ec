// The predict stage of block averages: the mean of each block in bfloat16, and the range of what it leaves. Compiled
// once for each instruction set.
#if defined(CINCH_BLOCK_AVERAGE_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef CINCH_BLOCK_AVERAGE_INL_H
#undef CINCH_BLOCK_AVERAGE_INL_H
#else
#define CINCH_BLOCK_AVERAGE_INL_H
#endif

#include <hwy/highway.h>

#include <algorithm>

#include "src/codec/stage/block_tile-inl.h"
#include "src/codec/stage/grid.h"

HWY_BEFORE_NAMESPACE();
namespace cinch::codec::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

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
          if (edge == kUsualEdge && positions % edge == 0 && some % static_cast<int64_t>(hn::Lanes(v)) == 0) {
            for (int64_t p = 0; p < positions; p += edge, out += g.inner)
              fine &= average_block<kRange>(row + (w + p) * g.inner, band, g.inner, some, out, put_range);
            continue;
          }
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

}  // namespace cinch::codec::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
