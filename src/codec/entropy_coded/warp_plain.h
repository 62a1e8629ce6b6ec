// The plain form of a chunk of error_bound, for one whose letters do not fit its slot: numbers of levels in as many
// bits as each group needs. The levels are the same, so that the bound holds.
//
//   | header 20 | of each group: smallest number, i16; bits, u8; 0 | codes of each group | places, u16 | values | 0-3 x
//   0 |           | places and values: of what no level holds |
//
// A lane has eight values in a row, whose codes fill as many bytes as they have bits.
#pragma once

#include <bit>

#include "src/codec/entropy_coded/slots.h"
#include "src/codec/entropy_coded/warp_levels.h"

namespace cinch::codec {

// In the place of the number of literals, where the header of a chunk has kCoarse for its raws.
constexpr uint16_t kLostForm = 0;  // nothing is there: all of it decodes to NaN, and was counted
constexpr uint16_t kPlainForm = 1;

constexpr int kPlainRun = static_cast<int>(kLetterGroup) / kLanes;

struct PlainGroup {
  int16_t smallest;
  uint8_t bits, zero;
};
constexpr int kPlainHeader = sizeof(ChunkHeader);
constexpr int plain_codes(int groups) noexcept { return kPlainHeader + groups * static_cast<int>(sizeof(PlainGroup)); }
// Of a group.
constexpr int plain_bytes(int bits) noexcept { return kLanes * bits; }
constexpr uint32_t kMostPlainBits = 16;

CINCH_DEVICE_FN void put_half(std::byte* to, uint32_t half) {
  to[0] = static_cast<std::byte>(half);
  to[1] = static_cast<std::byte>(half >> 8);
}

// Values of a group that no level holds: how many.
template <class T, class W>
CINCH_DEVICE_FN uint32_t count_missed(const W& w, const LevelRow<T>& row, int group) {
  typename W::template Var<uint32_t> missed;
  w.each([&](int lane) {
    missed[lane] = 0;
    CINCH_ROLLED
    for (int i = 0; i < kPlainRun; ++i) {
      const auto at = static_cast<uint32_t>(group * kLetterGroup + lane * kPlainRun + i);
      if (at < row.count && !row.level(at).held) ++missed[lane];
    }
  });
  return w.last(w.sum_up_to(missed));
}

// Places and values of what no level holds in the groups of a set, from number `next` of `all` on; `out` is where the
// first of all places goes.
template <class T, class W>
CINCH_DEVICE_FN void put_missed(const W& w, const LevelRow<T>& row, int begin, uint32_t set, uint32_t next,
                                uint32_t all, std::byte* out) {
  CINCH_ROLLED
  for (; set != 0; set &= set - 1) {
    const int group = begin + static_cast<int>(std::countr_zero(set));
    typename W::template Var<uint32_t> missed;
    w.each([&](int lane) {
      missed[lane] = 0;
      CINCH_ROLLED
      for (int i = 0; i < kPlainRun; ++i) {
        const auto at = static_cast<uint32_t>(group * kLetterGroup + lane * kPlainRun + i);
        if (at < row.count && !row.level(at).held) missed[lane] |= 1u << i;
      }
    });
    typename W::template Var<uint32_t> counts;
    w.each([&](int lane) { counts[lane] = static_cast<uint32_t>(std::popcount(missed[lane])); });
    const auto up_to = w.sum_up_to(counts);
    w.each([&](int lane) {
      uint32_t number = next + up_to[lane] - counts[lane];
      for (uint32_t left = missed[lane]; left != 0; left &= left - 1, ++number) {
        const int at = static_cast<int>(group * kLetterGroup) + lane * kPlainRun + std::countr_zero(left);
        put_half(out + number * 2, static_cast<uint32_t>(at));
        std::byte* value = out + all * 2 + number * sizeof(T);
        if constexpr (sizeof(T) == 4) {
          const auto bits = std::bit_cast<uint32_t>(row.in[at]);
          put_half(value, bits);
          put_half(value + 2, bits >> 16);
        } else {
          put_half(value, row.in[at].bits);
        }
      }
    });
    next += w.last(up_to);
  }
}

// The side of a group, and what its codes take.
template <class T, class W>
CINCH_DEVICE_FN PlainGroup plain_group(const W& w, const LevelRow<T>& row, int group) {
  typename W::template Var<int32_t> low, high;
  w.each([&](int lane) {
    low[lane] = INT32_MAX, high[lane] = INT32_MIN;
    CINCH_ROLLED
    for (int i = 0; i < kPlainRun; ++i) {
      const auto at = static_cast<uint32_t>(group * kLetterGroup + lane * kPlainRun + i);
      if (at >= row.count) continue;
      const Level level = row.level(at);
      if (!level.held) continue;
      low[lane] = std::min(low[lane], level.number);
      high[lane] = std::max(high[lane], level.number);
    }
  });
  const int32_t min = w.min(low), max = w.max(high);
  if (min > max) return {0, 0, 0};  // none of them is held
  return {static_cast<int16_t>(min), static_cast<uint8_t>(std::bit_width(static_cast<uint32_t>(max - min))), 0};
}

template <class T, class W>
CINCH_DEVICE_FN void put_plain_codes(const W& w, const LevelRow<T>& row, int group, PlainGroup side, std::byte* out) {
  w.each([&](int lane) {
    std::byte* to = out + lane * side.bits;
    uint64_t pending = 0;
    uint32_t filled = 0;
    CINCH_ROLLED
    for (int i = 0; i < kPlainRun; ++i) {
      const auto at = static_cast<uint32_t>(group * kLetterGroup + lane * kPlainRun + i);
      uint32_t code = 0;
      if (at < row.count) {
        const Level level = row.level(at);
        if (level.held) code = static_cast<uint32_t>(level.number - side.smallest);
      }
      pending |= uint64_t{code} << filled;
      for (filled += side.bits; filled >= 8; filled -= 8, pending >>= 8) *to++ = static_cast<std::byte>(pending);
    }
  });
}

// Number `i` of a lane's eight. Reads nothing at or behind `limit`.
CINCH_DEVICE_FN int32_t plain_number(const std::byte* codes, const std::byte* limit, PlainGroup side, int lane, int i) {
  const uint32_t bits = side.bits < kMostPlainBits ? side.bits : kMostPlainBits;
  const std::byte* from = codes + static_cast<uint32_t>(lane) * bits;
  const uint32_t begin = static_cast<uint32_t>(i) * bits;
  uint32_t code = 0;
  for (uint32_t k = begin / 8; k * 8 < begin + bits; ++k) {
    const uint32_t byte = from + k < limit ? std::to_integer<uint32_t>(from[k]) : 0;
    const uint32_t at = k * 8;
    code |= at >= begin ? byte << (at - begin) : byte >> (begin - at);
  }
  return static_cast<int16_t>(side.smallest + static_cast<int32_t>(code & ((1u << bits) - 1)));
}

}  // namespace cinch::codec
