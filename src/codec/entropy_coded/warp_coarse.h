// The coarser form of a chunk, for one that does not fit its slot: codes of 2, 4 or 8 bits, levels of each group's own,
// rounded stochastically, code 0 for exact zeros. Groups with a value that is not finite decode to NaN.
//
//   | header 20 | sides of each group, 4 | codes of each group: four values of an even row, four of the odd one, ... |
#pragma once

#include <limits>

#include "src/codec/entropy_coded/slots.h"
#include "src/codec/entropy_coded/warp_letters.h"
#include "src/codec/stage/sides.h"

namespace cinch::codec {

// The finest that fits.
constexpr int coarse_bits(int64_t group_bytes) noexcept {
  return group_bytes >= coarse_group_bytes(8) ? 8 : group_bytes >= coarse_group_bytes(4) ? 4 : kFewestCoarseBits;
}
constexpr int64_t coarse_bytes(int64_t groups, int bits) noexcept {
  return int64_t{sizeof(ChunkHeader)} + groups * coarse_group_bytes(bits);
}
constexpr int64_t coarse_codes(int64_t groups, int64_t group, int bits) noexcept {
  return int64_t{sizeof(ChunkHeader)} + groups * 4 + group * (kLetterGroup / 8 * bits);
}

// No value that is not zero becomes zero.
constexpr float kNextToZero = 0x1p-126f;

// Codes of a lane's eight values, the first in the low bits.
CINCH_DEVICE_FN uint64_t coarse_codes_of(const LetterValues<true>& x, Sides sides, int bits, const Chunk& draws) {
  const int fraction = 16 - bits;
  const float minimum = bf16_to_float(sides.minimum), step = bf16_to_float(sides.step);
  const float scale = step > 0.0f ? static_cast<float>(1u << fraction) / step : 0.0f;
  uint64_t codes = 0;
  CINCH_UNROLL
  for (int row = 0; row < 2; ++row) {
    CINCH_UNROLL
    for (int i = 0; i < kRun; ++i) {
      const float value = x.at[row][i];
      const uint32_t t = std::bit_cast<uint32_t>((value - minimum) * scale + 12582912.0f) & 0xffffu;
      const uint32_t dither = draws.words[i] >> (row * 16) & ((1u << fraction) - 1);
      const uint32_t code = value == 0.0f ? 0u : is_poisoned(sides) ? 1u : ((t + dither) >> fraction) + 1;
      codes |= uint64_t{code} << ((row * kRun + i) * bits);
    }
  }
  return codes;
}

CINCH_DEVICE_FN LetterValues<true> coarse_values_of(uint64_t codes, Sides sides, int bits) {
  const float minimum = bf16_to_float(sides.minimum), step = bf16_to_float(sides.step);
  LetterValues<true> x;
  CINCH_UNROLL
  for (int row = 0; row < 2; ++row) {
    CINCH_UNROLL
    for (int i = 0; i < kRun; ++i) {
      const auto code = static_cast<uint32_t>(codes >> ((row * kRun + i) * bits)) & ((1u << bits) - 1);
      const float value = minimum + static_cast<float>(static_cast<int32_t>(code) - 1) * step;
      // Arithmetic with NaN has bits of its own on each machine.
      const float coded = is_poisoned(sides) ? std::bit_cast<float>(0x7fc00000u) : value == 0.0f ? kNextToZero : value;
      x.at[row][i] = code == 0 ? 0.0f : coded;
    }
  }
  return x;
}

// A group of `groups`, of the values that the lanes hold; the draws are those of group `which` in the warp's scratch.
template <class W>
CINCH_DEVICE_FN void encode_coarse_group(const W& w, const typename W::template Var<LetterValues<true>>& x, int which,
                                         int64_t groups, int64_t group, int bits, std::byte* chunk,
                                         uint32_t* poisoned) {
  using Lanes = LetterLanes<true>;
  typename W::template Var<int32_t> low, high;
  w.each([&](int lane) {
    low[lane] = order_key(std::numeric_limits<float>::infinity()),
    high[lane] = order_key(-std::numeric_limits<float>::infinity());
    bool finite = true;
    CINCH_UNROLL
    for (int row = 0; row < 2; ++row) {
      CINCH_UNROLL
      for (int i = 0; i < kRun; ++i) {
        const float value = x[lane].at[row][i];
        const int32_t key = order_key(value);
        finite = finite && is_range(key, key);
        low[lane] = value != 0.0f && key < low[lane] ? key : low[lane];
        high[lane] = value != 0.0f && key > high[lane] ? key : high[lane];
      }
    }
    // NaN and what is too large lie beyond everything.
    if (!finite)
      low[lane] = order_key(-std::numeric_limits<float>::infinity()),
      high[lane] = order_key(std::numeric_limits<float>::infinity());
  });
  const int32_t min = w.min(low), max = w.max(high);
  Sides sides;
  if (min <= max)
    sides = is_range(min, max) ? make_sides(from_order_key(min), from_order_key(max), (1 << bits) - 2) : kPoisoned;
  if (is_poisoned(sides)) w.count(poisoned);
  w.each([&](int lane) {
    if (lane == 0) *reinterpret_cast<Sides*>(chunk + sizeof(ChunkHeader) + group * 4) = sides;
    const Chunk draws = draws_of(w.scratch, which, Lanes::row(lane, 0), Lanes::column(lane));
    const uint64_t codes = coarse_codes_of(x[lane], sides, bits, draws);
    std::byte* to = chunk + coarse_codes(groups, group, bits) + lane * bits;
    if (bits == 2) {
      *reinterpret_cast<uint16_t*>(to) = static_cast<uint16_t>(codes);
      return;
    }
    *reinterpret_cast<uint32_t*>(to) = static_cast<uint32_t>(codes);
    if (bits == 8) *reinterpret_cast<uint32_t*>(to + 4) = static_cast<uint32_t>(codes >> 32);
  });
}

// A lane's values of a group.
CINCH_DEVICE_FN LetterValues<true> decode_coarse(const std::byte* chunk, int64_t groups, int64_t group, int bits,
                                                 int lane) {
  const Sides sides = *reinterpret_cast<const Sides*>(chunk + sizeof(ChunkHeader) + group * 4);
  const std::byte* from = chunk + coarse_codes(groups, group, bits) + lane * bits;
  if (bits == 2) return coarse_values_of(*reinterpret_cast<const uint16_t*>(from), sides, bits);
  uint64_t codes = *reinterpret_cast<const uint32_t*>(from);
  if (bits == 8) codes |= uint64_t{*reinterpret_cast<const uint32_t*>(from + 4)} << 32;
  return coarse_values_of(codes, sides, bits);
}

}  // namespace cinch::codec
