// Symbols and letters. A symbol is one of a few neighbouring integers, or stands for "raw": the value is stored
// elsewhere. Letters are what the prefix code codes, bytes; where 14 symbols are enough, one letter holds two of them.
#pragma once

#include <cstdint>

namespace cinch::codec {

constexpr int64_t kLetterGroup = 256;  // values; 16 rows of 16 columns, as the generator counts draws

struct Alphabet {
  int base = 0;        // integer of symbol 0
  bool paired = true;  // 14 symbols and two values a letter; else 253 and one
  int raw_bytes = 4;   // of a value that no symbol holds

  static constexpr int kPairedSymbols = 14, kSingleSymbols = 253;
  constexpr int symbols() const noexcept { return paired ? kPairedSymbols : kSingleSymbols; }
  constexpr int raw_symbol() const noexcept { return symbols(); }
  constexpr int zero_symbol() const noexcept { return symbols() + 1; }
  // A letter that stands for "look in the list of letters": both values of a pair raw, or the raw one.
  constexpr uint8_t literal() const noexcept { return paired ? 0xee : 0xfd; }
  // Letters that hold a raw symbol are never coded: who codes looks at the list's letters alone for them.
  constexpr unsigned raws_in(uint8_t letter) const noexcept {
    if (!paired) return letter == raw_symbol() ? 1 : 0;
    return ((letter & 15) == raw_symbol() ? 1u : 0u) + (letter >> 4 == raw_symbol() ? 1u : 0u);
  }
  constexpr bool holds_raw(uint8_t letter) const noexcept { return raws_in(letter) > 0; }
  constexpr int64_t letters_of_group() const noexcept { return paired ? kLetterGroup / 2 : kLetterGroup; }
  // Of letter `i` of a group: the value in its low half, and the distance to that in its high half.
  constexpr int64_t value_of(int64_t i) const noexcept { return paired ? i / 16 * 32 + i % 16 : i; }
  static constexpr int64_t kToOther = 16;
};

}  // namespace cinch::codec
