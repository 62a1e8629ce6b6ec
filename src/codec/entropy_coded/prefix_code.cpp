#include "src/codec/entropy_coded/prefix_code.h"

#include <algorithm>
#include <bit>

namespace cinch::codec {
namespace {

uint32_t reversed(uint32_t bits, int count) noexcept {
  bits = (bits & 0x5555u) << 1 | (bits >> 1 & 0x5555u);
  bits = (bits & 0x3333u) << 2 | (bits >> 2 & 0x3333u);
  bits = (bits & 0x0f0fu) << 4 | (bits >> 4 & 0x0f0fu);
  return ((bits & 0xffu) << 8 | bits >> 8) >> (16 - count);
}

// Canonical codes, the shorter first, letters in order; bits reversed, because streams are read from the low bit on.
std::array<uint16_t, kLetters> codes_of(const CodeLengths& lengths) noexcept {
  std::array<uint32_t, kLongestCode + 1> counts{}, next{};
  for (const uint8_t length : lengths) ++counts[length];
  for (size_t length = 2; length < next.size(); ++length) next[length] = (next[length - 1] + counts[length - 1]) << 1;
  std::array<uint16_t, kLetters> codes{};
  for (size_t letter = 0; letter < kLetters; ++letter)
    if (const int length = lengths[letter]; length > 0)
      codes[letter] = static_cast<uint16_t>(reversed(next[static_cast<size_t>(length)]++, length));
  return codes;
}

bool is_alone(const CodeLengths& lengths) noexcept {
  return std::count(lengths.begin(), lengths.end(), uint8_t{0}) == kLetters - 1;
}

// A letter before those of `rest`, the last of which has to go where they are too many. Entries as numbers: written a
// byte at a time and read at once they would take four times as long.
uint64_t joined(uint8_t letter, uint64_t rest, const CodeLengths& lengths) noexcept {
  static_assert(std::endian::native == std::endian::little);
  constexpr int kLettersBits = 8 * kLettersAtOnce;
  constexpr uint64_t kKept = (uint64_t{1} << (kLettersBits - 8)) - 1, kBits = uint64_t{1} << kLettersBits,
                     kCount = kBits << 8;
  const bool full = rest / kCount == kLettersAtOnce;
  const uint64_t bits = rest / kBits % 256 + lengths[letter] - (full ? lengths[rest >> (kLettersBits - 8) & 255] : 0);
  return letter | (rest & kKept) << 8 | bits * kBits | (rest / kCount + !full) * kCount;
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
  }
  if (is_alone(lengths)) first.fill(*std::max_element(first.begin(), first.end()));
  // What so many bits hold is their first letter and what the bits behind it hold, which fewer bits have told: of
  // `width` bits, these lie from 2^width on.
  std::array<uint64_t, kWindow> narrower{};
  for (int width = 1; width <= kLongestCode; ++width) {
    const size_t begin = size_t{1} << width;
    for (size_t bits = 0; bits < begin; ++bits) {
      const uint8_t letter = first[bits], length = lengths[letter];
      // No branch: whether the letter fits is a matter of chance.
      const uint64_t fits = -uint64_t{length <= width};
      const uint64_t entry = fits & joined(letter, narrower[(begin + bits) >> length], lengths);
      if (width == kLongestCode) {
        entries[bits] = std::bit_cast<Entry>(entry);
      } else {
        narrower[begin + bits] = entry;
      }
    }
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
