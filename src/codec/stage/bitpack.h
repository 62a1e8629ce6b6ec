// Packs unsigned integers of any width below 64 bits, 64 at a time: 64 values of w bits fill w whole words.
#pragma once

#include <cstdint>

namespace cinch::codec {

constexpr int64_t kPackBlock = 64;

// values[i] < 2^width. Writes `width` words.
inline void pack_block(const uint64_t* values, int width, uint64_t* words) noexcept {
  if (width == 0) return;
  uint64_t word = 0;
  int fill = 0;
  for (int64_t i = 0; i < kPackBlock; ++i) {
    word |= values[i] << fill;
    fill += width;
    if (fill < 64) continue;
    *words++ = word;
    fill -= 64;
    word = fill != 0 ? values[i] >> (width - fill) : 0;
  }
}

// Inverse; reads `width` words.
inline void unpack_block(const uint64_t* words, int width, uint64_t* values) noexcept {
  if (width == 0) {
    for (int64_t i = 0; i < kPackBlock; ++i) values[i] = 0;
    return;
  }
  const uint64_t mask = (uint64_t{1} << width) - 1;
  for (int64_t i = 0, bit = 0; i < kPackBlock; ++i, bit += width) {
    const int shift = static_cast<int>(bit & 63);
    uint64_t v = words[bit >> 6] >> shift;
    if (shift + width > 64) v |= words[(bit >> 6) + 1] << (64 - shift);
    values[i] = v & mask;
  }
}

}  // namespace cinch::codec
