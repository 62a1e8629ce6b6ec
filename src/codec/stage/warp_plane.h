// Planes of one bit a value, written and read by warps: a tile of 1024 values is one 32-bit word a lane.
#pragma once

#include "src/backend/warp.h"
#include "src/codec/stage/interval.h"
#include "src/codec/stage/pattern.h"
#include "src/core/checked.h"

namespace cinch::codec {

using backend::kLanes;
using backend::scatter_or;
using backend::scattered_begin;
using backend::Words;

constexpr int64_t kTile = 1024;
constexpr int kTileWords = static_cast<int>(kTile / 32);
constexpr int64_t tile_count(int64_t numel) noexcept { return ceil_div(numel, kTile); }
// A plane is made of whole 64-bit words.
constexpr int64_t plane_halves(int64_t numel) noexcept { return ceil_div(numel, 64) * 2; }

// What is asked of a value, given its pattern.
template <class T, class F>
struct PredicateTest {
  using Bits = typename Pattern<sizeof(T)>::Type;
  Interval<F> interval;
  CINCH_DEVICE_FN bool operator()(Bits bits) const {
    if constexpr (sizeof(T) == sizeof(F))
      return interval.holds(std::bit_cast<F>(bits));
    else
      return interval.holds(to_float(std::bit_cast<T>(bits)));
  }
};
struct NonzeroTest {
  using Bits = uint8_t;
  CINCH_DEVICE_FN bool operator()(Bits bits) const { return bits != 0; }
};

template <class Test>
struct PlaneJob {
  const void* in;
  int64_t numel;
  Test test;
  uint32_t* plane;  // plane_halves(numel) words
};

// The answers to one load of a lane, lowest bit first.
template <class Test>
CINCH_DEVICE_FN uint32_t answers(const PlaneJob<Test>& job, const Chunk& chunk) {
  using P = typename Test::Bits;
  uint32_t bits = 0;
  CINCH_UNROLL
  for (int i = 0; i < kChunkValues<P>; ++i) bits |= static_cast<uint32_t>(job.test(chunk_pattern<P>(chunk, i))) << i;
  return bits;
}

// The same where the tile ends early or starts anywhere: value by value.
template <class Test>
CINCH_DEVICE_FN uint32_t answers_of_some(const PlaneJob<Test>& job, int64_t begin) {
  using P = typename Test::Bits;
  const P* in = static_cast<const P*>(job.in);
  uint32_t bits = 0;
  for (int i = 0; i < kChunkValues<P>; ++i)
    if (begin + i < job.numel) bits |= static_cast<uint32_t>(job.test(in[begin + i])) << i;
  return bits;
}

template <class Test, class W>
CINCH_DEVICE_FN void write_tile(const W& w, const PlaneJob<Test>& job, int64_t tile) {
  using P = typename Test::Bits;
  constexpr int kValues = kChunkValues<P>;          // of a load
  constexpr int kSet = 32 / kValues;                // lanes that share a word
  constexpr int kLoads = kTileWords / kValues;      // as many as kSet: each lane ends with one word
  constexpr int kAtOnce = kLoads < 4 ? kLoads : 4;  // on their way together
  static_assert(kLoads == kSet);
  // One question for the tile instead of one for each load: then no load waits for another one's answers.
  const bool whole = (tile + 1) * kTile <= job.numel && is_chunk_aligned(job.in);
  const P* in = static_cast<const P*>(job.in) + tile * kTile;
  typename W::template Var<Words<kLoads>> words;
  w.each([&](int lane) {
    const int shift = lane % kSet * kValues;
    if (whole) {
      CINCH_UNROLL
      for (int k = 0; k < kLoads; k += kAtOnce) {
        Chunk chunks[kAtOnce];
        CINCH_UNROLL
        for (int i = 0; i < kAtOnce; ++i)
          chunks[i] = *reinterpret_cast<const Chunk*>(in + ((k + i) * kLanes + lane) * kValues);
        CINCH_UNROLL
        for (int i = 0; i < kAtOnce; ++i) words[lane].at[k + i] = answers(job, chunks[i]) << shift;
      }
    } else {
      CINCH_UNROLL
      for (int k = 0; k < kLoads; ++k)
        words[lane].at[k] = answers_of_some(job, tile * kTile + (k * kLanes + lane) * kValues) << shift;
    }
  });
  scatter_or<kLoads, kSet, 1>(w, words);
  w.each([&](int lane) {
    const int64_t word = tile * kTileWords + scattered_begin<kLoads, kSet, 1>(lane) * kValues + lane / kSet;
    if (word < plane_halves(job.numel)) job.plane[word] = words[lane].at[0];
  });
}

template <class P>
struct ChooseJob {
  const uint32_t* plane;
  const uint32_t* second_plane;  // may be null; wins where it has a bit
  int64_t numel;
  P off, on, second;
  P* out;  // chunk-aligned
};

template <class P, class W>
CINCH_DEVICE_FN void read_tile(const W& w, const ChooseJob<P>& job, int64_t tile) {
  constexpr int kValues = kChunkValues<P>;
  constexpr int kLoads = kTileWords / kValues;
  w.each([&](int lane) {
    CINCH_UNROLL
    for (int k = 0; k < kLoads; ++k) {
      const int64_t begin = tile * kTile + (k * kLanes + lane) * kValues;
      if (begin >= job.numel) return;
      const uint32_t bits = job.plane[begin / 32] >> (begin % 32);
      const uint32_t second = job.second_plane != nullptr ? job.second_plane[begin / 32] >> (begin % 32) : 0;
      const auto value = [&](int i) {
        return (second >> i & 1u) != 0 ? job.second : (bits >> i & 1u) != 0 ? job.on : job.off;
      };
      if (begin + kValues <= job.numel) {
        Chunk chunk{};
        CINCH_UNROLL
        for (int i = 0; i < kValues; ++i) add_chunk_pattern<P>(chunk, i, value(i));
        *reinterpret_cast<Chunk*>(job.out + begin) = chunk;
      } else {
        for (int i = 0; begin + i < job.numel; ++i) job.out[begin + i] = value(i);
      }
    }
  });
}

}  // namespace cinch::codec
