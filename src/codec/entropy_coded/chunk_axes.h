// A grid's axes as a chunk, or a piece of a sample, meets them: everything fits 32 bits. For device and walk.
#pragma once

#include "src/codec/stage/grid.h"
#include "src/core/device_fn.h"

namespace cinch::codec {

// Numbers `stride` apart are neighbours; the first `stride` of each period have none before them, and so do the first
// ones of the chunk. A period begins at `left`, and at each `period` from there on.
struct ChunkAxis {
  uint32_t stride, period, left;

  // Whether number i has a neighbour before it.
  CINCH_DEVICE_FN bool reaches(uint32_t i) const { return i >= stride && (i < left || (i - left) % period >= stride); }
  // Where the period of number i begins, or the chunk.
  CINCH_DEVICE_FN uint32_t begin(uint32_t i) const { return i < left ? 0 : i - (i - left) % period; }
};

struct ChunkAxes {
  ChunkAxis at[3];
  // Of numbers from `first` of the tensor on, fewer than kFar.
  static constexpr int64_t kFar = int64_t{1} << 20;
  static CINCH_DEVICE_FN ChunkAxes of(const Grid& g, int64_t first) {
    ChunkAxes axes{};
    int64_t stride = g.inner;
    const int64_t sides[3] = {g.sides[2], g.sides[1], g.sides[0]};
    CINCH_UNROLL
    for (int k = 0; k < 3; ++k) {
      const int64_t period = stride * sides[k], left = period - first % period;
      const auto near = [](int64_t n) { return static_cast<uint32_t>(n < kFar ? n : kFar); };
      // No number reaches along a side of one position.
      axes.at[k] = {sides[k] > 1 ? near(stride) : static_cast<uint32_t>(kFar), near(period), near(left)};
      stride = period;
    }
    return axes;
  }
};

}  // namespace cinch::codec
