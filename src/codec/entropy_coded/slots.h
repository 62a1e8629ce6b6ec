// A payload as kernels write it: each chunk in a slot whose place is known before its size is. README.md draws it.
//
// The chunks are those of a payload without slots. What does not fit its slot, either coded or verbatim, is there in a
// coarser form (coarse.h). Where a payload without slots has the ends of its chunks, one with slots has their sizes.
#pragma once

#include <algorithm>
#include <cstdint>

#include "src/codec/entropy_coded/layout.h"

namespace cinch::codec {

// Header::flags of a payload in slots; the high half of words[3] is then Slots::group_bytes.
constexpr uint8_t kInSlots = 1;
// Header::kind of a tensor that the CPU would have declined: it decodes to NaN.
constexpr uint8_t kNothingFinite = 8;

// The header of a chunk in the coarser form has kCoarse for its raws and the bits of its codes for its literals.
constexpr uint16_t kCoarse = 0xfffe;
static_assert(kMostRawBytes < kCoarse);

// Bytes of a group in the coarser form of so many bits.
constexpr int64_t coarse_group_bytes(int bits) noexcept { return 4 + kLetterGroup / 8 * bits; }
constexpr int kFewestCoarseBits = 2;

struct Slots {
  int64_t numel = 0;
  int64_t group_bytes = 0;  // that a slot has for each of its groups; a multiple of 4
  int64_t sides = 0;        // bytes of the method's own before the first slot; a multiple of 64

  // For the header of a chunk, and what its streams lose at their ends.
  static constexpr int64_t kFixed = 32;
  static constexpr int64_t kLeast = coarse_group_bytes(kFewestCoarseBits);
  static constexpr int64_t kMost = int64_t{1} << 16;

  constexpr int64_t groups() const noexcept { return ceil_div(numel, kLetterGroup); }
  constexpr int64_t chunks() const noexcept { return chunk_count(numel); }
  constexpr int64_t begin(int64_t chunk) const noexcept {
    return chunks_offset(numel) + sides + chunk * (kFixed + kChunkGroups * group_bytes);
  }
  constexpr int64_t bytes(int64_t chunk) const noexcept {
    return kFixed + std::min(int64_t{kChunkGroups}, groups() - chunk * kChunkGroups) * group_bytes;
  }
  constexpr int64_t payload_bytes() const noexcept {
    return chunks_offset(numel) + sides + chunks() * kFixed + groups() * group_bytes + kSlack;
  }
};

// The largest slots that `bytes` hold; fewer than kLeast bytes a group are not enough.
constexpr Slots slots_of(int64_t bytes, int64_t numel, int64_t sides = 0) noexcept {
  Slots slots{numel, 0, sides};
  if (numel > 0) slots.group_bytes = std::max<int64_t>(0, bytes - slots.payload_bytes()) / slots.groups() / 4 * 4;
  return slots;
}

// Slots for so many bits a value. Short tensors vary more, and learn less of themselves from a sample.
constexpr Slots slots_for(double bits, int64_t numel, int64_t width, int64_t sides = 0) noexcept {
  Slots slots{numel, 0, sides};
  if (numel == 0) return slots;
  const auto need = static_cast<int64_t>(bits * kLetterGroup / 8) + 1024 / slots.groups();
  // Values as they are fit into that.
  const int64_t most = kLetterGroup * width;
  slots.group_bytes = std::clamp(ceil_div(need, int64_t{4}) * 4, Slots::kLeast, most);
  return slots;
}

constexpr void put_slots(const Slots& slots, Header& h) noexcept {
  h.flags |= kInSlots;
  h.words[3] = static_cast<int64_t>(static_cast<uint64_t>(h.words[3]) & 0xffffffffu) | slots.group_bytes << 32;
}
constexpr bool in_slots(const Header& h) noexcept { return (h.flags & kInSlots) != 0; }
constexpr Slots get_slots(const Header& h) noexcept { return {h.numel, h.words[3] >> 32}; }

}  // namespace cinch::codec
