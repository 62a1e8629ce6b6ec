#include "src/codec/entropy_coded/prefix_code.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <queue>
#include <random>
#include <vector>

#include "src/codec/entropy_coded/streams.h"
#include "tests/contract/support.h"

namespace cinch::codec {
namespace {

using Counts = std::array<uint32_t, kLetters>;

uint64_t cost(const Counts& counts, const CodeLengths& lengths) {
  uint64_t bits = 0;
  for (size_t i = 0; i < kLetters; ++i) bits += uint64_t{counts[i]} * lengths[i];
  return bits;
}

// Huffman's own construction: the least without a limit.
uint64_t huffman_cost(const Counts& counts) {
  std::priority_queue<uint64_t, std::vector<uint64_t>, std::greater<>> weights;
  for (const uint32_t c : counts)
    if (c > 0) weights.push(c);
  uint64_t bits = 0;
  while (weights.size() > 1) {
    const uint64_t a = weights.top();
    weights.pop();
    const uint64_t both = a + weights.top();
    weights.pop();
    bits += both;
    weights.push(both);
  }
  return bits;
}

// The least with a limit, by trying how many codes of each length a sorted alphabet gets (dynamic programme over
// letters and room that is left, in units of the longest code).
uint64_t limited_cost(std::vector<uint64_t> weights) {
  std::sort(weights.begin(), weights.end(), std::greater<>());
  std::vector<uint64_t> least(kWindow + 1, UINT64_MAX);
  least[kWindow] = 0;
  for (const uint64_t w : weights) {
    std::vector<uint64_t> next(kWindow + 1, UINT64_MAX);
    for (size_t room = 0; room <= kWindow; ++room) {
      if (least[room] == UINT64_MAX) continue;
      for (size_t length = 1; length <= kLongestCode; ++length) {
        const size_t takes = size_t{kWindow} >> length;
        if (takes <= room) next[room - takes] = std::min(next[room - takes], least[room] + w * length);
      }
    }
    least = std::move(next);
  }
  return *std::min_element(least.begin(), least.end());
}

Counts geometric(int letters, double ratio, uint32_t seed) {
  std::mt19937 random(seed);
  Counts counts{};
  double weight = 1e6;
  for (int i = 0; i < letters; ++i) {
    counts[random() % kLetters] = static_cast<uint32_t>(std::max(1.0, weight));
    weight *= ratio;
  }
  return counts;
}

TEST(PrefixCode, CostsWhatHuffmansCodeCostsWhereTheLimitDoesNotBind) {
  for (const int letters : {2, 3, 10, 100, 256}) {
    std::mt19937 random(static_cast<uint32_t>(letters));
    Counts counts{};
    for (int i = 0; i < letters; ++i) counts[static_cast<size_t>(i)] = 50 + random() % 500;
    const CodeLengths lengths = code_lengths(counts);
    EXPECT_TRUE(is_complete(lengths));
    EXPECT_EQ(cost(counts, lengths), huffman_cost(counts)) << letters;
  }
}

TEST(PrefixCode, IsTheCheapestWithinTheLimit) {
  for (uint32_t seed = 0; seed < 20; ++seed) {
    const Counts counts = geometric(4 + static_cast<int>(seed), seed % 2 == 0 ? 0.4 : 0.55, seed);
    const CodeLengths lengths = code_lengths(counts);
    EXPECT_TRUE(is_complete(lengths));
    std::vector<uint64_t> weights;
    for (const uint32_t c : counts)
      if (c > 0) weights.push_back(c);
    EXPECT_EQ(cost(counts, lengths), limited_cost(weights)) << seed;
    EXPECT_GE(cost(counts, lengths), huffman_cost(counts));
  }
}

TEST(PrefixCode, OfNoLetterAndOfOne) {
  Counts counts{};
  EXPECT_EQ(code_lengths(counts), CodeLengths{});
  EXPECT_FALSE(is_complete(CodeLengths{}));
  counts[17] = 5;
  CodeLengths lengths = code_lengths(counts);
  EXPECT_EQ(lengths[17], 1);
  EXPECT_TRUE(is_complete(lengths));
  lengths[18] = 2;
  EXPECT_FALSE(is_complete(lengths)) << "a quarter of all bits would mean nothing";
  lengths[19] = 2;
  EXPECT_TRUE(is_complete(lengths));
  lengths[20] = 11;
  EXPECT_FALSE(is_complete(lengths)) << "more codes than bits";
  lengths = {};
  lengths[3] = 12;
  EXPECT_FALSE(is_complete(lengths));
}

TEST(PrefixCode, LengthsAreStored) {
  const CodeLengths lengths = code_lengths(geometric(60, 0.8, 5));
  std::byte bytes[kLengthsBytes];
  store_lengths(lengths, bytes);
  EXPECT_EQ(load_lengths(bytes), lengths);
}

// Letters of a code, some of them without one.
struct StreamsTest : ::testing::TestWithParam<int> {
  StreamsTest() {
    std::mt19937 random(static_cast<uint32_t>(GetParam()));
    Counts counts{};
    std::geometric_distribution<int> letter(1.0 / GetParam());
    for (auto& stream : letters) {
      stream.resize(1024);
      for (auto& l : stream) ++counts[l = static_cast<uint8_t>(std::min(255, letter(random)))];
    }
    for (auto& c : counts)
      if (c < 3) c = 0;
    counts[kMark] = 7;
    lengths = code_lengths(counts);
  }
  static constexpr uint8_t kMark = 200;
  std::vector<uint8_t> letters[kStreams];
  CodeLengths lengths;
};

TEST_P(StreamsTest, GiveTheirLettersBackOnEveryInstructionSet) {
  const CodeTable table(lengths, kMark);
  const DecodeTable back(lengths);
  std::vector<std::byte> expected;
  cinch::testing::on_every_instruction_set([&](const std::string&) {
    std::vector<std::byte> all(kStreams * static_cast<size_t>(stream_room(1024)));
    std::array<StreamIn, kStreams> streams;
    std::vector<uint8_t> out[kStreams];
    std::vector<uint8_t> literals[kStreams];
    size_t at = 0;
    for (size_t s = 0; s < kStreams; ++s) {
      uint16_t places[1024], *end = places;
      const auto bytes = encode_letters(letters[s].data(), 1024, table, nullptr, 0, all.data() + at, &end);
      for (const uint16_t* p = places; p < end; ++p) literals[s].push_back(letters[s][*p]);
      out[s].resize(1024 + kLettersBeyond);
      streams[s] = {all.data() + at, bytes, out[s].data(), 1024};
      at += static_cast<size_t>(bytes);
    }
    all.resize(at + 8);
    if (expected.empty()) expected = all;
    EXPECT_TRUE(all == expected) << "other bytes than another instruction set's";
    ASSERT_TRUE(decode_letters(streams, all.data() + all.size(), back, {}));
    for (size_t s = 0; s < kStreams; ++s) {
      size_t next = 0;
      for (size_t i = 0; i < 1024; ++i) {
        if (out[s][i] == kMark) out[s][i] = literals[s].at(next++);
        ASSERT_EQ(out[s][i], letters[s][i]) << "stream " << s << ", letter " << i;
      }
      EXPECT_EQ(next, literals[s].size());
    }
  });
}

TEST_P(StreamsTest, ThatEndElsewhereAreRefused) {
  const CodeTable table(lengths, kMark);
  const DecodeTable back(lengths);
  std::vector<std::byte> all(kStreams * static_cast<size_t>(stream_room(1024)));
  constexpr size_t kRoom = 1024 + kLettersBeyond;
  std::vector<uint8_t> out(kStreams * kRoom);
  std::array<StreamIn, kStreams> streams;
  for (size_t s = 0; s < kStreams; ++s) {
    uint16_t places[1024], *end = places;
    std::byte* to = all.data() + s * static_cast<size_t>(stream_room(1024));
    streams[s] = {to, encode_letters(letters[s].data(), 1024, table, nullptr, 0, to, &end), out.data() + s * kRoom,
                  1024};
  }
  const std::byte* limit = all.data() + all.size();
  EXPECT_TRUE(decode_letters(streams, limit, back, {}));
  ++streams[3].bytes;
  EXPECT_FALSE(decode_letters(streams, limit, back, {}));
  streams[3].bytes -= 2;
  EXPECT_FALSE(decode_letters(streams, limit, back, {}));
  ++streams[3].bytes;
  EXPECT_FALSE(decode_letters(streams, streams[7].data + streams[7].bytes / 2, back, {})) << "cut off";
}

// Mean letters: from one bit a letter to codes of the limit.
INSTANTIATE_TEST_SUITE_P(Means, StreamsTest, ::testing::Values(1, 2, 5, 20, 60));

}  // namespace
}  // namespace cinch::codec
