// How error_bound's values become integers, and how dither's do where neighbours predict: for the CPU and the kernels.
#pragma once

#include <cstdint>

#include "src/codec/entropy_coded/alphabet.h"
#include "src/codec/entropy_coded/chunk.h"
#include "src/codec/entropy_coded/levels.h"
#include "src/codec/stage/rng.h"

namespace cinch::codec {

constexpr int kIntegerBytes = sizeof(int16_t);

struct BoundQuantiser {
  Levels levels;
  Alphabet alphabet{.raw_bytes = kIntegerBytes};
  bool lorenzo = false;
  // Levels begin anywhere between two: the same for all values of a chunk, so that neighbours stay alike, and drawn for
  // each chunk. Over draws the error of each value has no mean then.
  bool dithered = false;
  uint64_t key = 0;  // of the draws
};

// Levels of the chunk that value `first` of the tensor lies in.
constexpr Levels levels_at(const BoundQuantiser& q, int64_t first) noexcept {
  Levels levels = q.levels;
  if (!q.dithered) return levels;
  const uint64_t draw = group_key(q.key, first / kValuesOfChunk);
  levels.origin += levels.step * (static_cast<float>(draw >> 40) * 0x1p-24f);
  return levels;
}

// Likewise all of it.
constexpr BoundQuantiser quantiser_at(const BoundQuantiser& quantiser, int64_t first) noexcept {
  BoundQuantiser q = quantiser;
  q.levels = levels_at(quantiser, first);
  return q;
}

}  // namespace cinch::codec
