// Elements as bits of their width, whatever their type, in chunks of 16 bytes. For device and walk.
#pragma once

#include "src/codec/stage/chunk.h"

namespace cinch::codec {

// One element as bits of its width.
template <int kWidth>
struct Pattern;
template <>
struct Pattern<1> {
  using Type = uint8_t;
};
template <>
struct Pattern<2> {
  using Type = uint16_t;
};
template <>
struct Pattern<4> {
  using Type = uint32_t;
};
template <>
struct Pattern<8> {
  using Type = uint64_t;
};

template <class P>
CINCH_DEVICE_FN P chunk_pattern(const Chunk& chunk, int i) {
  if constexpr (sizeof(P) == 8)
    return static_cast<P>(chunk.words[2 * i]) | static_cast<P>(chunk.words[2 * i + 1]) << 32;
  else
    return static_cast<P>(chunk.words[i * sizeof(P) / 4] >> (i * sizeof(P) % 4 * 8));
}

template <class P>
CINCH_DEVICE_FN void add_chunk_pattern(Chunk& chunk, int i, P pattern) {
  if constexpr (sizeof(P) == 8) {
    chunk.words[2 * i] = static_cast<uint32_t>(pattern);
    chunk.words[2 * i + 1] = static_cast<uint32_t>(pattern >> 32);
  } else {
    chunk.words[i * sizeof(P) / 4] |= static_cast<uint32_t>(pattern) << (i * sizeof(P) % 4 * 8);
  }
}

}  // namespace cinch::codec
