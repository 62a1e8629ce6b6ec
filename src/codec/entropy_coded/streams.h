// Letters to bits and back. A chunk's letters are cut into eight streams, so that a processor decodes several at once.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "src/codec/entropy_coded/prefix_code.h"

namespace cinch::codec {

constexpr int kStreams = 8;
// What is written behind the letters of a stream at most: what follows it in memory, read as letters.
constexpr int64_t kLettersBeyond = 64;
// Bytes that encode_letters may write at most, beyond those it returns included.
constexpr int64_t stream_room(int64_t letters) noexcept { return (letters * kLongestCode + 7) / 8 + 8; }

// Codes `count` letters (a multiple of 16, less than 2^16) and returns the bytes used. Where letters without a code are
// goes to `*literals`, which moves on. Meanwhile `next`, as many bytes as `next_bytes`, is fetched into the cache.
int64_t encode_letters(const uint8_t* letters, int64_t count, const CodeTable& table, const std::byte* next,
                       int64_t next_bytes, std::byte* out, uint16_t** literals);

struct StreamIn {
  const std::byte* data = nullptr;
  int64_t bytes = 0;
  uint8_t* letters = nullptr;  // room for kLettersBeyond more than `count`
  int64_t count = 0;
};

// Decodes all streams. Reads nothing at or behind `limit`, whatever they hold. Meanwhile lines of `next`, which is to
// be written afterwards, are fetched into the second cache. False: a stream does not end where it should.
bool decode_letters(const std::array<StreamIn, kStreams>& streams, const std::byte* limit, const DecodeTable& table,
                    std::span<const std::byte> next) noexcept;

}  // namespace cinch::codec
