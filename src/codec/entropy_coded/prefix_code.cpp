#include "src/codec/entropy_coded/prefix_code.h"

#include <algorithm>

namespace cinch::codec {
namespace {

// Canonical codes, the shorter first, letters in order; bits reversed, because streams are read from the low bit on.
std::array<uint16_t, kLetters> codes_of(const CodeLengths& lengths) noexcept {
  std::array<uint16_t, kLetters> codes{};
  uint32_t next = 0;
  for (int length = 1; length <= kLongestCode; ++length) {
    for (int letter = 0; letter < kLetters; ++letter) {
      if (lengths[static_cast<size_t>(letter)] != length) continue;
      uint32_t reversed = 0;
      for (int bit = 0; bit < length; ++bit) reversed |= (next >> bit & 1u) << (length - 1 - bit);
      codes[static_cast<size_t>(letter)] = static_cast<uint16_t>(reversed);
      ++next;
    }
    next <<= 1;
  }
  return codes;
}

bool is_alone(const CodeLengths& lengths) noexcept {
  return std::count(lengths.begin(), lengths.end(), uint8_t{0}) == kLetters - 1;
}

}  // namespace

CodeLengths code_lengths(std::span<const uint32_t, kLetters> counts) noexcept {
  CodeLengths lengths{};
  std::array<uint8_t, kLetters> order;  // letters by count
  int n = 0;
  for (int letter = 0; letter < kLetters; ++letter)
    if (counts[static_cast<size_t>(letter)] > 0) order[static_cast<size_t>(n++)] = static_cast<uint8_t>(letter);
  if (n == 0) return lengths;
  if (n == 1) {
    lengths[order[0]] = 1;
    return lengths;
  }
  const auto count = [&](int i) { return uint64_t{counts[order[static_cast<size_t>(i)]]}; };
  std::sort(order.begin(), order.begin() + n,
            [&](uint8_t a, uint8_t b) { return counts[a] != counts[b] ? counts[a] < counts[b] : a < b; });
  // Level by level: the letters once more, merged with pairs of the level before. Which items are letters is all that
  // is needed afterwards.
  bool is_letter[kLongestCode][2 * kLetters];
  uint64_t weights[2 * kLetters], pairs[kLetters];
  int pair_count = 0;
  for (auto& level : is_letter) {
    int letter = 0, pair = 0, size = 0;
    while (letter < n || pair < pair_count) {
      const bool take = pair == pair_count || (letter < n && count(letter) <= pairs[pair]);
      level[size] = take;
      weights[size++] = take ? count(letter++) : pairs[pair++];
    }
    pair_count = size / 2;
    for (int i = 0; i < pair_count; ++i) pairs[i] = weights[2 * i] + weights[2 * i + 1];
  }
  // The cheapest 2n - 2 items of the last level; a letter that is taken on a level costs one bit more.
  int taken = 2 * n - 2;
  for (int level = kLongestCode - 1; level >= 0 && taken > 0; --level) {
    const int letters = static_cast<int>(std::count(is_letter[level], is_letter[level] + taken, true));
    for (int i = 0; i < letters; ++i) ++lengths[order[static_cast<size_t>(i)]];
    taken = 2 * (taken - letters);
  }
  return lengths;
}

bool is_complete(const CodeLengths& lengths) noexcept {
  uint32_t sum = 0;
  for (const uint8_t length : lengths) {
    if (length > kLongestCode) return false;
    if (length > 0) sum += uint32_t{kWindow} >> length;
  }
  return sum == kWindow || (sum == kWindow / 2 && is_alone(lengths));
}

CodeTable::CodeTable(const CodeLengths& code_lengths, uint8_t literal) noexcept {
  const auto all = codes_of(code_lengths);
  for (size_t letter = 0; letter < kLetters; ++letter) {
    const bool is_literal = code_lengths[letter] == 0 || letter == literal;
    const size_t coded = is_literal ? literal : letter;
    codes[letter] = all[coded];
    lengths[letter] = code_lengths[coded] | uint64_t{is_literal} << kLiteralMark;
    bytes[0][letter] = static_cast<uint8_t>(all[coded]);
    bytes[1][letter] = static_cast<uint8_t>(all[coded] >> 8 | code_lengths[coded] << 3 | (is_literal ? 0x80 : 0));
    entries[letter] = all[coded] | uint32_t{code_lengths[coded]} << 16 | (is_literal ? kIsLiteral : 0);
  }
}

DecodeTable::DecodeTable(const CodeLengths& code_lengths) noexcept : lengths(code_lengths) {
  const auto codes = codes_of(lengths);
  std::array<uint8_t, kWindow> first{};  // letter that the bits begin with; one alone stands for all bits
  for (size_t letter = 0; letter < kLetters; ++letter) {
    if (lengths[letter] == 0) continue;
    const size_t step = size_t{1} << lengths[letter];
    for (size_t bits = codes[letter]; bits < kWindow; bits += step) first[bits] = static_cast<uint8_t>(letter);
    if (is_alone(lengths)) first.fill(static_cast<uint8_t>(letter));
  }
  for (size_t bits = 0; bits < kWindow; ++bits) {
    uint64_t entry = 0;
    int used = 0, count = 0;
    while (count < kLettersAtOnce) {
      const uint8_t letter = first[bits >> used];
      if (used + lengths[letter] > kLongestCode) break;
      entry |= uint64_t{letter} << (kLettersAt + 8 * count++);
      used += lengths[letter];
    }
    entries[bits] = entry | static_cast<uint64_t>(used) | static_cast<uint64_t>(count) << kCountAt;
    most_letters = std::max(most_letters, int64_t{count});
  }
}

void store_lengths(const CodeLengths& lengths, std::byte* out) noexcept {
  for (size_t i = 0; i < kLetters / 2; ++i) out[i] = static_cast<std::byte>(lengths[2 * i] | lengths[2 * i + 1] << 4);
}

CodeLengths load_lengths(const std::byte* in) noexcept {
  CodeLengths lengths;
  for (size_t i = 0; i < kLetters / 2; ++i) {
    lengths[2 * i] = std::to_integer<uint8_t>(in[i] & std::byte{15});
    lengths[2 * i + 1] = std::to_integer<uint8_t>(in[i] >> 4);
  }
  return lengths;
}

}  // namespace cinch::codec
