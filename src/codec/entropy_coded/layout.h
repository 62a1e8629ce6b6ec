// Where the bytes of an entropy-coded payload are. README.md draws it.
#pragma once

#include <bit>
#include <cstdint>

#include "src/codec/entropy_coded/chunk.h"
#include "src/codec/entropy_coded/letters.h"
#include "src/codec/stage/header.h"

namespace cinch::codec {

constexpr uint32_t kEntropyMagic = make_magic('C', 'E', 'C', '1');

constexpr int64_t chunk_count(int64_t numel) noexcept { return ceil_div(numel, kValuesOfChunk); }
constexpr int64_t lengths_offset() noexcept { return kHeaderBytes; }
// Ends of chunks, in units of kChunkAlignment from the first chunk on.
constexpr int64_t ends_offset() noexcept { return kHeaderBytes + kLengthsBytes; }
constexpr int64_t chunks_offset(int64_t numel) noexcept {
  return align64(ends_offset() + chunk_count(numel) * int64_t{sizeof(uint32_t)});
}
// Behind the last chunk, for loads of eight bytes.
constexpr int64_t kSlack = 8;

// Header::kind of a payload whose channels are told apart, beside what put_quantiser says there.
constexpr uint8_t kByChannel = 4;

// What the header says of the quantiser.
constexpr void put_quantiser(const Quantiser& q, Header& h) noexcept {
  h.kind = static_cast<uint8_t>((q.paired ? 1 : 0) | (q.dithered ? 2 : 0));
  h.words[0] = std::bit_cast<int32_t>(q.step);
  h.words[1] = std::bit_cast<int32_t>(q.offset);
  h.words[2] = std::bit_cast<int64_t>(q.key);
  h.words[3] = q.base;
}
constexpr Quantiser get_quantiser(const Header& h) noexcept {
  Quantiser q;
  q.step = std::bit_cast<float>(static_cast<int32_t>(h.words[0]));
  q.offset = std::bit_cast<float>(static_cast<int32_t>(h.words[1]));
  q.key = std::bit_cast<uint64_t>(h.words[2]);
  q.base = static_cast<int>(h.words[3]);
  q.paired = (h.kind & 1) != 0;
  q.dithered = (h.kind & 2) != 0;
  return q;
}

}  // namespace cinch::codec
