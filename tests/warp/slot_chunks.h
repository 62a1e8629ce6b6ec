// Compares a payload of dither in slots with the CPU's of the same tensor, chunk by chunk.
#pragma once

#include <gtest/gtest.h>

#include <cstring>

#include "src/codec/entropy_coded/slots.h"
#include "tests/contract/support.h"

namespace cinch::testing {

// Everything is as on the CPU, but chunks that do not fit their slots, which are coarser. Returns how many those are.
inline int64_t expect_same_chunks(const Buffer& in_slots, const Buffer& packed) {
  using namespace cinch::codec;
  Header found, expected;
  std::memcpy(&found, in_slots.data(), sizeof found);
  std::memcpy(&expected, packed.data(), sizeof expected);
  const Slots slots = get_slots(found);
  EXPECT_EQ(found.payload_bytes, in_slots.size());
  EXPECT_EQ(found.kind, expected.kind);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(found.words[i], expected.words[i]) << "word " << i;
  EXPECT_EQ(static_cast<int32_t>(found.words[3]), expected.words[3]);
  EXPECT_EQ(std::memcmp(in_slots.data() + lengths_offset(), packed.data() + lengths_offset(), kLengthsBytes), 0);
  const auto* sizes = reinterpret_cast<const uint32_t*>(in_slots.data() + ends_offset());
  const auto* ends = reinterpret_cast<const uint32_t*>(packed.data() + ends_offset());
  int64_t coarse = 0;
  for (int64_t c = 0; c < slots.chunks(); ++c) {
    const uint32_t begin = c == 0 ? 0 : ends[c - 1];
    const std::byte* chunk = in_slots.data() + slots.begin(c);
    ChunkHeader header;
    std::memcpy(&header, chunk, sizeof header);
    for (int64_t at = int64_t{sizes[c]} * 4; at < slots.bytes(c); ++at)
      EXPECT_EQ(chunk[at], std::byte{0}) << "behind chunk " << c;
    if (header.raws == kCoarse) {
      ++coarse;
      EXPECT_GT(int64_t{ends[c] - begin} * 4, slots.bytes(c)) << "chunk " << c << " would have fit";
      continue;
    }
    EXPECT_EQ(sizes[c], ends[c] - begin) << "chunk " << c;
    EXPECT_EQ(std::memcmp(chunk, packed.data() + chunks_offset(slots.numel) + int64_t{begin} * 4, size_t{sizes[c]} * 4),
              0)
        << "chunk " << c;
  }
  return coarse;
}

}  // namespace cinch::testing
