// Prefix codes as a block makes them: lengths from counts, codes from lengths, the table that decodes. The same lengths
// and codes as those of prefix_code.cpp.
#pragma once

#include <bit>
#include <cstdint>

#include "src/codec/entropy_coded/prefix_code.h"
#include "src/core/device_fn.h"

namespace cinch::codec {

// What package-merge works in.
struct MergeMemory {
  uint64_t weights[2 * kLetters], pairs[kLetters];  // of a level's items; of pairs of them
  uint32_t sorted[kLetters];                        // counts, the smallest first
  uint16_t places[kLongestCode][kLetters];          // of the letters in that order among the items of each level
  uint8_t order[kLetters];                          // letters, likewise
  int letters;
};

namespace detail {

// Items before the first one for which `after` holds, of ascending ones.
template <class After>
CINCH_DEVICE_FN int first_after(int count, After after) {
  int begin = 0, end = count;
  while (begin < end) {
    const int middle = (begin + end) / 2;
    if (after(middle))
      end = middle;
    else
      begin = middle + 1;
  }
  return begin;
}

template <class B>
CINCH_DEVICE_FN void sort_letters(const B& b, const uint32_t* counts, MergeMemory& m) {
  b.each([&](int letter) {
    if (letter >= kLetters) return;
    const uint32_t own = counts[letter];
    int rank = 0, letters = 0;
    for (int other = 0; other < kLetters; ++other) {
      const uint32_t count = counts[other];
      letters += count > 0 ? 1 : 0;
      rank += count > 0 && (count < own || (count == own && other < letter)) ? 1 : 0;
    }
    if (letter == 0) m.letters = letters;
    if (own == 0) return;
    m.order[rank] = static_cast<uint8_t>(letter);
    m.sorted[rank] = own;
  });
  b.sync();
}

}  // namespace detail

// `counts` and `lengths` of all letters; all are in memory of the block. At least one count is not zero.
template <class B>
CINCH_DEVICE_FN void make_lengths(const B& b, const uint32_t* counts, MergeMemory& m, uint32_t* lengths) {
  static_assert(B::kThreads >= kLetters);
  detail::sort_letters(b, counts, m);
  const int n = m.letters;
  int pairs = 0;
  for (auto& places : m.places) {
    // Letters come before pairs of the same weight. Each item finds its place by itself.
    b.each([&](int i) {
      if (i < n) {
        const uint64_t own = m.sorted[i];
        places[i] = static_cast<uint16_t>(i + detail::first_after(pairs, [&](int p) { return m.pairs[p] >= own; }));
        m.weights[places[i]] = own;
      }
      if (i < pairs) {
        const uint64_t own = m.pairs[i];
        m.weights[i + detail::first_after(n, [&](int l) { return m.sorted[l] > own; })] = own;
      }
    });
    b.sync();
    pairs = (n + pairs) / 2;
    b.each([&](int i) {
      if (i < pairs) m.pairs[i] = m.weights[2 * i] + m.weights[2 * i + 1];
    });
    b.sync();
  }
  b.each([&](int i) {
    if (i >= kLetters) return;
    // The cheapest 2n - 2 items of the last level; a letter that is taken on a level costs one bit more.
    int taken = 2 * n - 2;
    uint32_t length = n == 1 ? 1 : 0;
    for (int level = kLongestCode - 1; level >= 0 && taken > 0; --level) {
      const uint16_t* places = m.places[level];
      if (i < n && places[i] < taken) ++length;
      taken = 2 * (taken - detail::first_after(n, [&](int l) { return places[l] >= taken; }));
    }
    // A permutation: those that are not in `order` have none.
    if (i < n) lengths[m.order[i]] = length;
    if (counts[i] == 0) lengths[i] = 0;
  });
  b.sync();
}

// Lengths as a payload has them: eight to a word.
constexpr int kLengthWords = static_cast<int>(kLengthsBytes / 4);

// Codes of one length: the first one, how many, and where their letters begin among all in the order of their codes.
struct LengthCodes {
  uint32_t first, count, begin;
};

struct CodeMemory {
  uint32_t bytes[kLetters / 4];  // lengths, four to a word
  LengthCodes of_length[kLongestCode + 1];
};

CINCH_DEVICE_FN uint32_t reversed_bits(uint32_t code, uint32_t length) {
#if defined(__CUDA_ARCH__)
  return length == 0 ? 0 : __brev(code) >> (32 - length);
#else
  uint32_t reversed = 0;
  for (uint32_t bit = 0; bit < length; ++bit) reversed |= (code >> bit & 1u) << (length - 1 - bit);
  return reversed;
#endif
}

namespace detail {

// Bytes of `word` that are `length`. None of them is above 15, so that none borrows from the next.
CINCH_DEVICE_FN uint32_t ones_of(uint32_t word, uint32_t length) {
  return static_cast<uint32_t>(std::popcount((0x10101010u - (word ^ length * 0x01010101u)) & 0x10101010u));
}

}  // namespace detail

// f(letter, length, code, rank) for every letter with a code; the rank is its place in the order of codes. What `words`
// hold need be no code: codes may then be longer than their lengths.
template <class B, class F>
CINCH_DEVICE_FN void make_codes(const B& b, const uint32_t* words, CodeMemory& m, F f) {
  static_assert(B::kThreads >= kLetters);
  b.each([&](int i) {
    if (i >= kLetters / 4) return;
    const uint32_t four = words[i / 2] >> (i % 2 * 16);
    m.bytes[i] = (four & 0xfu) | (four & 0xf0u) << 4 | (four & 0xf00u) << 8 | (four & 0xf000u) << 12;
  });
  b.sync();
  b.each([&](int length) {
    if (length > kLongestCode) return;
    uint32_t count = 0;
    for (int i = 0; i < kLetters / 4; ++i) count += detail::ones_of(m.bytes[i], static_cast<uint32_t>(length));
    m.of_length[length].count = length == 0 ? 0 : count;
  });
  b.sync();
  b.each([&](int length) {
    if (length > kLongestCode) return;
    uint32_t next = 0, begin = 0;
    for (int shorter = 1; shorter < length; ++shorter) {
      next = (next + m.of_length[shorter].count) << 1;
      begin += m.of_length[shorter].count;
    }
    m.of_length[length].first = next;
    m.of_length[length].begin = begin;
  });
  b.sync();
  b.each([&](int letter) {
    if (letter >= kLetters) return;
    const uint32_t length = m.bytes[letter / 4] >> (letter % 4 * 8) & 0xffu;
    if (length == 0 || length > static_cast<uint32_t>(kLongestCode)) return;
    uint32_t before = 0;
    for (int i = 0; i < letter / 4; ++i) before += detail::ones_of(m.bytes[i], length);
    for (int i = letter / 4 * 4; i < letter; ++i) before += (m.bytes[i / 4] >> (i % 4 * 8) & 0xffu) == length ? 1 : 0;
    const LengthCodes codes = m.of_length[length];
    f(letter, length, reversed_bits(codes.first + before, length), codes.begin + before);
  });
  b.sync();
}

// CodeTable::entries.
template <class B>
CINCH_DEVICE_FN void make_code_table(const B& b, const uint32_t* words, uint8_t literal, CodeMemory& m,
                                     uint32_t* entries) {
  b.each([&](int i) {
    if (i < kLetters) entries[i] = 0;
  });
  b.sync();
  make_codes(b, words, m,
             [&](int letter, uint32_t length, uint32_t code, uint32_t) { entries[letter] = code | length << 16; });
  const uint32_t of_literal = entries[literal] | kIsLiteral;
  b.sync();
  b.each([&](int i) {
    if (i < kLetters && (entries[i] == 0 || i == literal)) entries[i] = of_literal;
  });
  b.sync();
}

// What the next 11 bits hold, in a word: up to three letters in bits 0-23, their bits together in 24-27, how many in
// 28-31. Never none, whatever the lengths are.
constexpr int kLettersInWord = 3;

struct DecodeMemory {
  CodeMemory codes;
  uint8_t letters[kLetters];  // in the order of codes
  uint16_t first[kWindow];    // the letter that the bits begin with, its length above
};

template <class B>
CINCH_DEVICE_FN void make_decode_table(const B& b, const uint32_t* words, DecodeMemory& m, uint32_t* entries) {
  b.each([&](int i) {
    if (i < kLetters) m.letters[i] = 0;
  });
  b.sync();
  make_codes(b, words, m.codes, [&](int letter, uint32_t, uint32_t, uint32_t rank) {
    if (rank < static_cast<uint32_t>(kLetters)) m.letters[rank] = static_cast<uint8_t>(letter);
  });
  b.each([&](int thread) {
    for (int bits = thread; bits < kWindow; bits += B::kThreads) {
      const uint32_t code = reversed_bits(static_cast<uint32_t>(bits), kLongestCode);
      // A letter alone stands for all bits.
      uint32_t letter = m.letters[0], length = 1;
      for (uint32_t l = 1; l <= static_cast<uint32_t>(kLongestCode); ++l) {
        const LengthCodes codes = m.codes.of_length[l];
        const uint32_t place = (code >> (static_cast<uint32_t>(kLongestCode) - l)) - codes.first;
        if (place >= codes.count) continue;
        letter = m.letters[(codes.begin + place) % kLetters];
        length = l;
        break;
      }
      m.first[bits] = static_cast<uint16_t>(letter | length << 8);
    }
  });
  b.sync();
  b.each([&](int thread) {
    for (int bits = thread; bits < kWindow; bits += B::kThreads) {
      uint32_t entry = 0, used = 0, count = 0;
      while (count < static_cast<uint32_t>(kLettersInWord)) {
        const uint32_t next = m.first[static_cast<uint32_t>(bits) >> used];
        if (used + (next >> 8) > static_cast<uint32_t>(kLongestCode)) break;
        entry |= (next & 0xffu) << (8 * count++);
        used += next >> 8;
      }
      entries[bits] = entry | used << 24 | count << 28;
    }
  });
  b.sync();
}

}  // namespace cinch::codec
