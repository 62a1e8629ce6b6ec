// Compares a payload in slots with the CPU's of the same tensor, chunk by chunk.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <optional>

#include "src/codec/entropy_coded/bound_slots.h"
#include "src/codec/entropy_coded/slots.h"
#include "tests/contract/support.h"

namespace cinch::testing {

inline codec::Header header_of(const Buffer& payload) {
  codec::Header h;
  std::memcpy(&h, payload.data(), sizeof h);
  return h;
}

// Lengths and chunks are as on the CPU, whose chunks begin behind so many bytes of sides, but for chunks that do not
// fit their slots, which have another form. Returns how many those are.
inline int64_t expect_same_bodies(const Buffer& in_slots, const codec::Slots& slots, const Buffer& packed,
                                  int64_t sides) {
  using namespace cinch::codec;
  EXPECT_EQ(header_of(in_slots).payload_bytes, in_slots.size());
  EXPECT_EQ(std::memcmp(in_slots.data() + lengths_offset(), packed.data() + lengths_offset(), kLengthsBytes), 0);
  const auto* sizes = reinterpret_cast<const uint32_t*>(in_slots.data() + ends_offset());
  const auto* ends = reinterpret_cast<const uint32_t*>(packed.data() + ends_offset());
  int64_t others = 0;
  for (int64_t c = 0; c < slots.chunks(); ++c) {
    const uint32_t begin = c == 0 ? 0 : ends[c - 1];
    const std::byte* chunk = in_slots.data() + slots.begin(c);
    ChunkHeader header;
    std::memcpy(&header, chunk, sizeof header);
    for (int64_t at = int64_t{sizes[c]} * 4; at < slots.bytes(c); ++at)
      EXPECT_EQ(chunk[at], std::byte{0}) << "behind chunk " << c;
    if (header.raws == kCoarse) {
      ++others;
      EXPECT_GT(int64_t{ends[c] - begin} * 4, slots.bytes(c)) << "chunk " << c << " would have fit";
      continue;
    }
    EXPECT_EQ(sizes[c], ends[c] - begin) << "chunk " << c;
    const std::byte* expected = packed.data() + chunks_offset(slots.numel) + sides + int64_t{begin} * 4;
    EXPECT_EQ(std::memcmp(chunk, expected, size_t{sizes[c]} * 4), 0) << "chunk " << c;
  }
  return others;
}

// The CPU's payload in room for all of its values as they are: encode() has no more than normal ones may take.
inline std::optional<Buffer> encode_at_length(const Codec& codec, const Extent& in, const SideInfo& side, int64_t sides,
                                              const CodecContext& context) {
  using namespace cinch::codec;
  Buffer room(Slots{in.numel, kLetterGroup * dtype_bytes(in.dtype), sides}.payload_bytes());
  const auto bytes = codec.encode(in, side, room.span(), context);
  EXPECT_TRUE(room.intact());
  return bytes ? std::optional(Buffer(room.data(), *bytes)) : std::nullopt;
}

// Of dither without neighbours: how many chunks are coarser. `sides`: bytes that channels have in the slots' payload,
// which are the CPU's as well, unless it found one value alone and has none.
inline int64_t expect_same_chunks(const Buffer& in_slots, const Buffer& packed, int64_t sides = 0) {
  using namespace cinch::codec;
  const Header found = header_of(in_slots), expected = header_of(packed);
  const bool by_channel = (expected.kind & kByChannel) != 0;
  EXPECT_EQ(found.kind, sides > 0 ? expected.kind | kByChannel : expected.kind);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(found.words[i], expected.words[i]) << "word " << i;
  EXPECT_EQ(static_cast<int32_t>(found.words[3]), expected.words[3]);
  Slots slots = get_slots(found);
  slots.sides = sides;
  if (by_channel) {
    const int64_t begin = chunks_offset(found.numel);
    EXPECT_EQ(std::memcmp(in_slots.data() + begin, packed.data() + begin, static_cast<size_t>(sides)), 0) << "sides";
  }
  return expect_same_bodies(in_slots, slots, packed, by_channel ? sides : 0);
}

// Of error_bound, and of dither where neighbours predict: how many chunks have another form.
inline int64_t expect_same_bound_chunks(const Buffer& in_slots, const Buffer& packed) {
  using namespace cinch::codec;
  const Header found = header_of(in_slots), expected = header_of(packed);
  EXPECT_EQ(found.kind, expected.kind);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(found.words[i], expected.words[i]) << "word " << i;
  const bool dithered = (expected.kind & 8) != 0;
  const int64_t begin = chunks_offset(found.numel);
  if (dithered) {
    EXPECT_EQ(std::memcmp(in_slots.data() + begin, packed.data() + begin, 8), 0) << "key";
  }
  return expect_same_bodies(in_slots, bound_slots_of(in_slots.size(), found.numel), packed, dithered ? 64 : 0);
}

}  // namespace cinch::testing
