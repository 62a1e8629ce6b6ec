// pool by warps: stage/warp_average.h, and values from averages. The bytes are those of the CPU codec.
#pragma once

#include "src/codec/fixed_rate/warp_decode.h"
#include "src/codec/stage/warp_average.h"
#include "src/core/checked.h"

namespace cinch::codec {

// Blocks that a lane averages before the next tile: the fewer values a block has, the more.
constexpr int pool_runs(int edge) noexcept { return edge == 2 ? 4 : edge == 4 ? 2 : 1; }

template <int kEdge, class T, class W>
CINCH_DEVICE_FN void pool_tile(const W& w, const AverageJob<T>& job, int64_t tile) {
  average_tile<kEdge, false, pool_runs(kEdge)>(w, job, tile);
}

template <class T>
struct UnpoolJob {
  const uint16_t* averages;
  BlockMap map;
  int64_t numel;
  T* out;  // chunk-aligned
};

constexpr int kUnpoolTile = 1024;

template <class T, class W>
CINCH_DEVICE_FN void unpool_tile(const W& w, const UnpoolJob<T>& job, int64_t tile) {
  constexpr int kValues = kChunkValues<T>, kStores = kUnpoolTile / (kLanes * kValues);
  const int64_t begin = tile * kUnpoolTile, rest = job.numel - begin;
  const GridPlace start = place_at(job.map.grid, begin);
  w.each([&](int lane) {
    CINCH_ROLLED
    for (int k = 0; k < kStores; ++k) {
      const int element = (k * kLanes + lane) * kValues;
      if (element >= rest) return;
      BlockWalk walk = walk_from(job.map, moved(job.map.grid, start, static_cast<uint32_t>(element)));
      float x[kValues];
      CINCH_UNROLL
      for (int i = 0; i < kValues; ++i) {
        x[i] = element + i < rest ? bf16_to_float(job.averages[walk.average()]) : 0.0f;
        walk.advance(job.map);
      }
      store_values(job.out + begin + element, x, rest - element);
    }
  });
}

}  // namespace cinch::codec
