// Packs unsigned integers of any width below 64 bits, 64 at a time: 64 values of w bits fill w whole words.
#pragma once

#include <cstdint>

namespace cinch::codec {

constexpr int64_t kPackBlock = 64;

// Widths that divide a word, the common ones: no value straddles words, and constant shifts cost least.
template <int kWidth>
inline void pack_even(const uint64_t* values, uint64_t* words) noexcept {
  for (int w = 0; w < kWidth; ++w, values += 64 / kWidth) {
    uint64_t word = 0;
    for (int i = 0; i < 64 / kWidth; ++i) word |= values[i] << (i * kWidth);
    words[w] = word;
  }
}

template <int kWidth>
inline void unpack_even(const uint64_t* words, uint64_t* values) noexcept {
  for (int w = 0; w < kWidth; ++w, values += 64 / kWidth) {
    const uint64_t word = words[w];
    for (int i = 0; i < 64 / kWidth; ++i) values[i] = word >> (i * kWidth) & ((uint64_t{1} << kWidth) - 1);
  }
}

// values[i] < 2^width. Writes `width` words.
inline void pack_block(const uint64_t* values, int width, uint64_t* words) noexcept {
  switch (width) {
    case 0:
      return;
    case 1:
      return pack_even<1>(values, words);
    case 2:
      return pack_even<2>(values, words);
    case 4:
      return pack_even<4>(values, words);
    case 8:
      return pack_even<8>(values, words);
    case 16:
      return pack_even<16>(values, words);
    default:
      break;
  }
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
  switch (width) {
    case 0:
      for (int64_t i = 0; i < kPackBlock; ++i) values[i] = 0;
      return;
    case 1:
      return unpack_even<1>(words, values);
    case 2:
      return unpack_even<2>(words, values);
    case 4:
      return unpack_even<4>(words, values);
    case 8:
      return unpack_even<8>(words, values);
    case 16:
      return unpack_even<16>(words, values);
    default:
      break;
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
