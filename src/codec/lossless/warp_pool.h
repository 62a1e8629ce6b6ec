// Warps code max-pool indices as offsets in their windows: a tile of 1024 indices is 32 words of 32 bits for each bit
// of an offset. The bytes are those of the CPU codec.
#pragma once

#include "src/backend/warp.h"
#include "src/codec/lossless/pool_map.h"
#include "src/codec/stage/bitpack.h"
#include "src/codec/stage/pattern.h"
#include "src/core/checked.h"

namespace cinch::codec {

constexpr int kPoolTile = 1024;
constexpr int kPoolScratchWords = kPoolTile / 2;  // a cell has at most 10 bits: two to a word
constexpr int64_t pool_tiles(int64_t numel) noexcept { return ceil_div(numel, kPoolTile); }
// The CPU packs 64 values into `width` words of 64 bits; bit i of the stream is bit i % 32 of 32-bit word i / 32, too.
constexpr int64_t pool_words(int64_t numel, int width) noexcept { return ceil_div(numel, kPackBlock) * 2 * width; }

// T: int32_t or int64_t.
template <class T>
struct ToOffsetsJob {
  const T* in;
  int64_t numel;
  PoolMap map;
  int width;           // bits of an offset
  uint32_t* words;     // pool_words() of them
  uint32_t* poisoned;  // counts tiles with an index outside of its window; may be null
};

template <class T>
struct FromOffsetsJob {
  const uint32_t* words;
  int64_t numel;
  PoolMap map;
  int width;
  T* out;  // chunk-aligned
};

// What a lane moves at once, and how often it does for a tile.
template <class T>
struct PoolLanes {
  using Bits = typename Pattern<sizeof(T)>::Type;
  static constexpr int kValues = kChunkValues<T>;
  static constexpr int kLoads = kPoolTile / (backend::kLanes * kValues);
  static constexpr int kAtOnce = 4;  // on their way together
  static_assert(kLoads % kAtOnce == 0);
  static constexpr int first(int lane, int load) noexcept { return (load * backend::kLanes + lane) * kValues; }
};

// Values of a tile that exist.
CINCH_DEVICE_FN int tile_length(int64_t numel, int64_t tile) {
  const int64_t rest = numel - tile * kPoolTile;
  return rest < kPoolTile ? static_cast<int>(rest) : kPoolTile;
}

// Indices from `first` on as bits; zero beyond `count`.
template <class T>
CINCH_DEVICE_FN Chunk load_indices(const T* in, int first, int count) {
  using Bits = typename PoolLanes<T>::Bits;
  if (is_chunk_aligned(in) && first + PoolLanes<T>::kValues <= count)
    return *reinterpret_cast<const Chunk*>(in + first);
  Chunk chunk{};
  CINCH_UNROLL
  for (int i = 0; i < PoolLanes<T>::kValues; ++i)
    if (first + i < count) add_chunk_pattern<Bits>(chunk, i, static_cast<Bits>(in[first + i]));
  return chunk;
}

// The cells of a chunk, two to a word; true when an index lies outside of its window.
template <class T>
CINCH_DEVICE_FN bool find_cells(const PoolMap& map, const Chunk& chunk, PoolPlace place, int count, uint32_t* pairs) {
  using Bits = typename PoolLanes<T>::Bits;
  bool wild = false;
  CINCH_UNROLL
  for (int i = 0; i < PoolLanes<T>::kValues; ++i) {
    const auto index = static_cast<int64_t>(static_cast<T>(chunk_pattern<Bits>(chunk, i)));
    // Unsigned: wraps for wild values, which no window has.
    uint32_t cell = cell_at(map, static_cast<uint64_t>(index) - static_cast<uint64_t>(base_of(map, place)));
    if (i >= count) {
      cell = 0;
    } else if (cell == kNoCell) {
      wild = true;
      cell = inner_cell(map, place);
    }
    pairs[i / 2] = i % 2 == 0 ? cell : pairs[i / 2] | cell << 16;
    advance(map, place);
  }
  return wild;
}

// Word `word` of a tile from its cells.
CINCH_DEVICE_FN uint32_t pack_word(const uint32_t* pairs, int width, int word) {
  int value = word * 32 / width;
  uint32_t packed = 0;
  for (int shift = value * width - word * 32; shift < 32; shift += width, ++value) {
    const uint32_t cell = pairs[value / 2] >> (value % 2 * 16) & 0xffffu;
    packed |= shift < 0 ? cell >> -shift : cell << shift;
  }
  return packed;
}

template <class T, class W>
CINCH_DEVICE_FN void tile_to_offsets(const W& w, const ToOffsetsJob<T>& job, int64_t tile) {
  using Lanes = PoolLanes<T>;
  const T* in = job.in + tile * kPoolTile;
  const int count = tile_length(job.numel, tile);
  const PoolPlace start = place_at(job.map, tile * kPoolTile);
  typename W::template Var<bool> wild;
  w.sync();  // nobody reads the cells of the tile before any more
  w.each([&](int lane) {
    wild[lane] = false;
    CINCH_ROLLED
    for (int k = 0; k < Lanes::kLoads; k += Lanes::kAtOnce) {
      Chunk chunks[Lanes::kAtOnce];
      CINCH_UNROLL
      for (int i = 0; i < Lanes::kAtOnce; ++i) chunks[i] = load_indices(in, Lanes::first(lane, k + i), count);
      CINCH_UNROLL
      for (int i = 0; i < Lanes::kAtOnce; ++i) {
        const int first = Lanes::first(lane, k + i);
        uint32_t pairs[Lanes::kValues / 2];
        wild[lane] |= find_cells<T>(job.map, chunks[i], moved(job.map, start, static_cast<uint32_t>(first)),
                                    count - first, pairs);
        CINCH_UNROLL
        for (int p = 0; p < Lanes::kValues / 2; ++p) w.scratch[first / 2 + p] = pairs[p];
      }
    }
  });
  w.sync();
  if (w.any(wild)) w.count(job.poisoned);
  const int64_t begin = tile * backend::kLanes * job.width, rest = pool_words(job.numel, job.width) - begin;
  w.each([&](int lane) {
    for (int word = lane; word < backend::kLanes * job.width && word < rest; word += backend::kLanes)
      job.words[begin + word] = pack_word(w.scratch, job.width, word);
  });
}

// The offset that begins at a bit of the tile's words.
CINCH_DEVICE_FN uint32_t offset_at(const uint32_t* words, int width, int bit) {
  if (width == 0) return 0;
  const int shift = bit % 32;
  uint32_t offset = words[bit / 32] >> shift;
  if (shift + width > 32) offset |= words[bit / 32 + 1] << (32 - shift);
  return offset & ((1u << width) - 1);
}

// Indices from `first` on, `count` of them at most.
template <class T>
CINCH_DEVICE_FN void store_indices(T* out, const Chunk& chunk, int count) {
  using Bits = typename PoolLanes<T>::Bits;
  if (count >= PoolLanes<T>::kValues) {
    *reinterpret_cast<Chunk*>(out) = chunk;
    return;
  }
  CINCH_UNROLL
  for (int i = 0; i < PoolLanes<T>::kValues; ++i)
    if (i < count) out[i] = static_cast<T>(chunk_pattern<Bits>(chunk, i));
}

template <class T, class W>
CINCH_DEVICE_FN void tile_from_offsets(const W& w, const FromOffsetsJob<T>& job, int64_t tile) {
  using Lanes = PoolLanes<T>;
  const uint32_t* words = job.words + tile * backend::kLanes * job.width;
  T* out = job.out + tile * kPoolTile;
  const int count = tile_length(job.numel, tile);
  const PoolPlace start = place_at(job.map, tile * kPoolTile);
  const uint32_t cells = job.map.kernel_h * job.map.kernel_w;
  w.each([&](int lane) {
    CINCH_ROLLED
    for (int k = 0; k < Lanes::kLoads; k += Lanes::kAtOnce) {
      CINCH_UNROLL
      for (int j = 0; j < Lanes::kAtOnce; ++j) {
        const int first = Lanes::first(lane, k + j);
        PoolPlace place = moved(job.map, start, static_cast<uint32_t>(first));
        Chunk chunk{};
        CINCH_UNROLL
        for (int i = 0; i < Lanes::kValues; ++i) {
          uint32_t cell = first + i < count ? offset_at(words, job.width, (first + i) * job.width) : 0;
          if (cell >= cells) cell = inner_cell(job.map, place);
          const uint64_t index = static_cast<uint64_t>(base_of(job.map, place)) + distance_of(job.map, cell);
          add_chunk_pattern<typename Lanes::Bits>(chunk, i, static_cast<typename Lanes::Bits>(index));
          advance(job.map, place);
        }
        store_indices(out + first, chunk, count - first);
      }
    }
  });
}

}  // namespace cinch::codec
