// A prefix code over letters with codes of at most 11 bits: lengths from counts, and the tables that code and decode.
// Lengths alone are stored; codes follow from them (canonical, read from the low bit on).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace cinch::codec {

constexpr int kLetters = 256;
constexpr int kLongestCode = 11;
constexpr int kWindow = 1 << kLongestCode;  // of the decoder
constexpr int kLettersAtOnce = 6;           // that one look-up decodes

using CodeLengths = std::array<uint8_t, kLetters>;  // 0: the letter has no code

// Lengths that cost the fewest bits for these counts (package-merge; Larmore and Hirschberg, J. ACM 37, 1990). Letters
// with count 0 get none. At most 2^11 letters, so there is always such a code. One letter alone gets length 1.
CodeLengths code_lengths(std::span<const uint32_t, kLetters> counts) noexcept;

// True where the lengths describe a code that a decoder can follow: complete, or one letter alone.
bool is_complete(const CodeLengths& lengths) noexcept;

// For coding. Letters without a code get that of `literal` and a mark; so does `literal` itself.
struct CodeTable {
  CodeTable(const CodeLengths& lengths, uint8_t literal) noexcept;
  alignas(64) std::array<uint32_t, kLetters> entries;  // code in bits 0-15, its length in bits 16-20, kIsLiteral
  // The same apart, as the CPU reads them: lengths are summed up with their marks.
  alignas(64) std::array<uint64_t, kLetters> codes, lengths;
  // And in two bytes, as vectors look them up: low 8 bits of the code; its high 3 bits, length, whether it is a
  // literal.
  alignas(64) std::array<std::array<uint8_t, kLetters>, 2> bytes;
};
constexpr uint32_t kIsLiteral = uint32_t{1} << 31;
constexpr int kLiteralMark = 32;  // lowest bit of a length's mark

// For decoding: what the next 11 bits hold.
struct DecodeTable {
  // Eight bytes, so that all letters are written at once; the other two are read by themselves, which leaves shifts to
  // the bits of the streams.
  struct Entry {
    std::array<uint8_t, kLettersAtOnce> letters{};
    uint8_t bits = 0, count = 0;  // of all letters together; how many they are
  };
  // `lengths` is complete.
  explicit DecodeTable(const CodeLengths& lengths) noexcept;
  alignas(64) std::array<Entry, kWindow> entries;
  CodeLengths lengths;
};
static_assert(sizeof(DecodeTable::Entry) == 8);

constexpr int64_t kLengthsBytes = kLetters / 2;
void store_lengths(const CodeLengths& lengths, std::byte* out) noexcept;
CodeLengths load_lengths(const std::byte* in) noexcept;

}  // namespace cinch::codec
