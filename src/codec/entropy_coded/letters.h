// Values as letters: quantised, with a symbol of their own for exact zeros and one for what the range of symbols does
// not hold. Letters are bytes; where 16 symbols are enough, one letter holds the symbols of two values (README.md).
#pragma once

#include <cstddef>
#include <cstdint>

#include "cinch/dtype.h"

namespace cinch::codec {

constexpr int64_t kLetterGroup = 256;  // values; 16 rows of 16 columns, as the generator counts draws

// How values become symbols: symbol s of a value x is floor((x - offset) / step + dither) - base, dither in (0, 1).
struct Quantiser {
  float step = 1.0f;
  float offset = 0.0f;
  int base = 0;        // quotient of symbol 0
  bool paired = true;  // 14 symbols and two values a letter; else 253 and one
  bool dithered = true;
  uint64_t key = 0;  // of the generator

  int symbols() const noexcept { return paired ? 14 : 253; }
  // The value itself is stored elsewhere, as a float.
  int raw_symbol() const noexcept { return symbols(); }
  int zero_symbol() const noexcept { return symbols() + 1; }
  // A letter that stands for "look in the list of letters": both values of a pair raw, or the raw one.
  uint8_t literal() const noexcept { return paired ? 0xee : 0xfd; }
  // Letters that hold a raw symbol are never coded: who codes looks at the list's letters alone for them.
  unsigned raws_in(uint8_t letter) const noexcept {
    if (!paired) return letter == raw_symbol() ? 1 : 0;
    return ((letter & 15) == raw_symbol() ? 1u : 0u) + (letter >> 4 == raw_symbol() ? 1u : 0u);
  }
  bool holds_raw(uint8_t letter) const noexcept { return raws_in(letter) > 0; }
  int64_t letters_of_group() const noexcept { return paired ? kLetterGroup / 2 : kLetterGroup; }
  // Of letter `i` of a group: the value in its low half, and the distance to that in its high half.
  int64_t value_of(int64_t i) const noexcept { return paired ? i / 16 * 32 + i % 16 : i; }
  static constexpr int64_t kToOther = 16;
};

// Letters of `groups` whole groups of values; `first` is the index of the first group in its tensor.
void values_to_letters(const void* in, DType dtype, int64_t groups, int64_t first, const Quantiser& quantiser,
                       uint8_t* letters);

// Inverse. Raw symbols give values of no meaning. `stream`: write past the caches (out must then be 64-byte aligned).
void letters_to_values(const uint8_t* letters, int64_t groups, int64_t first, const Quantiser& quantiser, DType dtype,
                       void* out, bool stream);

// Finite values among whole groups at `in`, a sample of one in `stride` (sample.h): their number, sum and sum of
// squares about `origin`, lowest and highest. The same on every instruction set.
struct Moments {
  int64_t count = 0;
  double sum = 0, squares = 0;
  float min = 0, max = 0;  // where count > 0
};
Moments moments_of(const void* in, DType dtype, int64_t groups, int64_t stride, float origin);

}  // namespace cinch::codec
