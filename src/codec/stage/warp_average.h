// Warps average blocks: a lane takes one block at one inner index, neighbours in memory order. The order of additions
// is that of block_tile-inl.h. For device and walk.
#pragma once

#include <bit>

#include "src/backend/warp.h"
#include "src/codec/stage/chunk.h"
#include "src/codec/stage/grid_place.h"

namespace cinch::codec {

using backend::kLanes;

// Of a block with a value that cannot be averaged: it decodes to NaN. The CPU declines the tensor instead.
constexpr uint16_t kPoisonedAverage = 0x7fc0;

template <class T>
struct AverageJob {
  const T* in;
  GridMap averages;  // of blocks
  uint32_t edge;
  uint32_t width, height, depth;  // of the grid
  int64_t slab_values;
  int64_t count;  // of averages
  uint16_t* out;
  uint32_t* poisoned;  // counts runs of 32 averages with one that is not kept; may be null
};
template <class T>
AverageJob<T> average_job(const T* in, const Grid& g, const Blocks& b, uint16_t* out, uint32_t* poisoned) {
  const GridMap m = grid_map(g);
  return {in,      average_map(g, b), static_cast<uint32_t>(b.edge), m.width, m.height,
          m.depth, slab_values(g),    g.outer * slab_averages(g, b), out,     poisoned};
}

// The values that a block has at an inner index.
template <class T>
struct BlockValues {
  const T* first;
  uint32_t columns, rows, planes;
  int64_t column_stride, row_stride, plane_stride;
};
template <class T>
CINCH_DEVICE_FN BlockValues<T> values_of_block(const AverageJob<T>& job, GridPlace p) {
  const uint32_t w = p.w * job.edge, h = p.h * job.edge, d = p.d * job.edge;
  const auto within = [&](uint32_t begin, uint32_t side) { return side - begin < job.edge ? side - begin : job.edge; };
  BlockValues<T> b;
  b.column_stride = job.averages.inner;
  b.row_stride = b.column_stride * job.width;
  b.plane_stride = b.row_stride * job.height;
  b.first = job.in + static_cast<int64_t>(p.slab) * job.slab_values + d * b.plane_stride + h * b.row_stride +
            w * b.column_stride + p.i;
  b.columns = within(w, job.width), b.rows = within(h, job.height), b.planes = within(d, job.depth);
  return b;
}

// Sums of kSome columns from `column` on, zero for those that the block has not; a vector of memory at once where that
// can be.
template <int kSome, class T>
CINCH_DEVICE_FN void add_columns(const BlockValues<T>& b, uint32_t column, float* sums) {
  constexpr int kBytes = kSome * static_cast<int>(sizeof(T)) < 16 ? kSome * static_cast<int>(sizeof(T)) : 16;
  constexpr int kVector = kBytes / static_cast<int>(sizeof(T)), kVectors = kSome / kVector;
  struct alignas(kBytes) Vector {
    T at[kVector];
  };
  CINCH_UNROLL
  for (int c = 0; c < kSome; ++c) sums[c] = 0.0f;
  const bool whole = b.column_stride == 1 && column + kSome <= b.columns;
  CINCH_ROLLED
  for (uint32_t plane = 0; plane < b.planes; ++plane) {
    const T* row = b.first + plane * b.plane_stride + column * b.column_stride;
    for (uint32_t r = 0; r < b.rows; ++r, row += b.row_stride) {
      if (whole && reinterpret_cast<uintptr_t>(row) % kBytes == 0) {
        Vector vectors[kVectors];
        CINCH_UNROLL
        for (int k = 0; k < kVectors; ++k) vectors[k] = reinterpret_cast<const Vector*>(row)[k];
        CINCH_UNROLL
        for (int c = 0; c < kSome; ++c) sums[c] += to_float(vectors[c / kVector].at[c % kVector]);
        continue;
      }
      T values[kSome];
      CINCH_UNROLL
      for (int c = 0; c < kSome; ++c) values[c] = row[column + c < b.columns ? c * b.column_stride : 0];
      CINCH_UNROLL
      for (int c = 0; c < kSome; ++c) sums[c] += column + c < b.columns ? to_float(values[c]) : 0.0f;
    }
  }
}

// Neighbours in pairs, again and again. Zeros behind the last column change nothing, as -0.0 is not kept.
template <int kSome>
CINCH_DEVICE_FN float joined_columns(float* sums) {
  CINCH_UNROLL
  for (int half = kSome / 2; half > 0; half /= 2) {
    CINCH_UNROLL
    for (int c = 0; c < half; ++c) sums[c] = sums[2 * c] + sums[2 * c + 1];
  }
  return sums[0];
}

// The sum of a block of up to kColumns columns, or with kMany of up to 64: kColumns at a time, a power of two; sums of
// these wait for their neighbours, one of each size.
template <int kColumns, bool kMany, class T>
CINCH_DEVICE_FN float sum_of_block(const BlockValues<T>& b) {
  float sums[kColumns];
  if constexpr (!kMany) {
    add_columns<kColumns>(b, 0, sums);
    return joined_columns<kColumns>(sums);
  } else {
    constexpr int kSizes = std::bit_width(64u / kColumns);
    float waiting[kSizes] = {};
    uint32_t done = 0;
    CINCH_ROLLED
    for (uint32_t column = 0; column < b.columns; column += kColumns, ++done) {
      add_columns<kColumns>(b, column, sums);
      float sum = joined_columns<kColumns>(sums);
      bool placed = false;
      CINCH_UNROLL
      for (int k = 0; k < kSizes; ++k) {
        if (placed) continue;
        placed = (done >> k & 1u) == 0;
        if (placed)
          waiting[k] = sum;
        else
          sum = waiting[k] + sum;
      }
    }
    float sum = 0.0f;  // the smaller ones are behind the larger ones
    CINCH_UNROLL
    for (int k = 0; k < kSizes; ++k)
      if ((done >> k & 1u) != 0) sum = waiting[k] + sum;
    return sum;
  }
}

// As bfloat16, no denormals. True: it is not kept.
CINCH_DEVICE_FN bool store_average(float sum, uint32_t count, uint16_t* out) {
  const float average = sum / static_cast<float>(count);
  const bool bad = !(average < kLargestAverage && average > -kLargestAverage);
  const bool normal = (std::bit_cast<uint32_t>(average) & 0x7f800000u) != 0;
  *out = bad ? kPoisonedAverage : normal ? float_to_bf16(average) : uint16_t{0};
  return bad;
}

// Averages begin + at .., one a lane.
template <int kColumns, bool kMany, class T, class W>
CINCH_DEVICE_FN void average_run(const W& w, const AverageJob<T>& job, GridPlace start, int64_t begin, int at) {
  typename W::template Var<bool> bad;
  w.each([&](int lane) {
    bad[lane] = false;
    const int mine = at + lane;
    if (begin + mine >= job.count) return;
    const BlockValues<T> b = values_of_block(job, moved(job.averages, start, static_cast<uint32_t>(mine)));
    const float sum = sum_of_block<kColumns, kMany>(b);
    bad[lane] = store_average(sum, b.columns * b.rows * b.planes, job.out + begin + mine);
  });
  if (w.any(bad)) w.count(job.poisoned);
}

// Columns at once for blocks of any edge: up to 8, or with kMany up to 64.
template <bool kMany>
constexpr int kAnyColumns = kMany ? 4 : 8;
constexpr bool has_many_columns(int64_t edge) noexcept { return edge > kAnyColumns<false>; }

// Blocks of a tile: kRuns for each lane, so that small ones are worth the divisions of its start.
template <int kColumns, bool kMany, int kRuns, class T, class W>
CINCH_DEVICE_FN void average_tile(const W& w, const AverageJob<T>& job, int64_t tile) {
  const int64_t begin = tile * (kLanes * kRuns);
  const GridPlace start = place_at(job.averages, begin);
  if constexpr (kRuns == 1) {
    average_run<kColumns, kMany>(w, job, start, begin, 0);
  } else {
    CINCH_ROLLED
    for (int run = 0; run < kRuns; ++run)
      if (begin + run * kLanes < job.count) average_run<kColumns, kMany>(w, job, start, begin, run * kLanes);
  }
}

}  // namespace cinch::codec
