// dither's values as letters: quantised, with a symbol of their own for exact zeros and one for what the range of
// symbols does not hold (README.md).
#pragma once

#include <cstddef>
#include <cstdint>

#include "cinch/dtype.h"
#include "src/codec/entropy_coded/alphabet.h"
#include "src/codec/entropy_coded/sample.h"

namespace cinch::codec {

// How values become symbols: symbol s of a value x is floor((x - offset) / step + dither) - base, dither in (0, 1).
struct Quantiser : Alphabet {
  float step = 1.0f;
  float offset = 0.0f;
  bool dithered = true;
  uint64_t key = 0;  // of the generator
};

// Bits of a dither. Fewer for more symbols, so that their range and the dither fit the 22 bits that adding 1.5 * 2^23
// leaves in the low bits of a float.
template <bool kPaired>
constexpr int kFraction = kPaired ? 16 : 13;
constexpr float dither_unit(bool paired) noexcept { return paired ? 1 << kFraction<true> : 1 << kFraction<false>; }

// Letters of `groups` whole groups of values; `first` is the index of the first group in its tensor.
void values_to_letters(const void* in, DType dtype, int64_t groups, int64_t first, const Quantiser& quantiser,
                       uint8_t* letters);

// Inverse. Raw symbols give values of no meaning. `stream`: write past the caches (out must then be 64-byte aligned).
void letters_to_values(const uint8_t* letters, int64_t groups, int64_t first, const Quantiser& quantiser, DType dtype,
                       void* out, bool stream);

// Finite values among whole groups at `in`: their number, sum and sum of squares about an origin, lowest and highest.
struct Moments {
  int64_t count = 0;
  double sum = 0, squares = 0;
  float min = 0, max = 0;  // where count > 0
};
struct PartSums {
  double sum = 0, squares = 0;
  PartSums& operator+=(const PartSums& other) noexcept {
    sum += other.sum;
    squares += other.squares;
    return *this;
  }
};
// Of those groups of a sample that are added to parts `begin` to `end` (fit_rules.h), whose sums go to `parts` and not
// to the result. The same on every instruction set.
Moments moments_of_parts(const void* in, DType dtype, const GroupSample& sample, float origin, int64_t begin,
                         int64_t end, PartSums* parts);

}  // namespace cinch::codec
