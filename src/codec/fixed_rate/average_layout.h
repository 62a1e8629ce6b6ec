// Where the bytes of a group_quant payload with average_bits are. group_quant.md draws it.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>

#include "src/codec/fixed_rate/layout.h"

namespace cinch::codec {

constexpr uint32_t kAverageMagic = make_magic('C', 'G', 'A', '1');
constexpr int64_t kAverageChunk = 128;                    // groups whose codes are found by one offset
constexpr int64_t kMostAverageValues = int64_t{1} << 39;  // groups are counted in 32 bits while bits are allotted
constexpr int64_t kWidthsOfByte = 4;                      // two bits each
constexpr int64_t kUnitBytes = code_bytes(1);             // codes of a group, per bit of its width

struct AverageLayout {
  int64_t groups = 0, chunks = 0;
  int64_t units = 0;  // bits per value, summed over groups: what there is to be allotted
  int64_t sides_at = 0, widths_at = 0, codes_at = 0, bytes = 0;

  // At most kMostAverageValues.
  static AverageLayout of(int64_t numel, double average_bits) noexcept {
    AverageLayout l;
    l.groups = group_count(numel);
    l.chunks = ceil_div(l.groups, kAverageChunk);
    l.units = static_cast<int64_t>(average_bits * static_cast<double>(l.groups));
    l.sides_at = kHeaderBytes + l.chunks * int64_t{sizeof(int64_t)};
    l.widths_at = l.sides_at + l.groups * int64_t{sizeof(Sides)};
    l.codes_at = align64(l.widths_at + ceil_div(l.groups, kWidthsOfByte));
    l.bytes = l.codes_at + l.units * kUnitBytes;
    return l;
  }
  static constexpr int64_t offsets_at() noexcept { return kHeaderBytes; }
};

// The sections of a payload with room for all of them.
template <class Byte, class Offset, class Side>
struct AverageSections {
  Offset* offsets;  // units before each chunk
  Side* sides;
  Byte* widths;
  Byte* codes;

  AverageSections(Byte* payload, const AverageLayout& l)
      : offsets(reinterpret_cast<Offset*>(payload + AverageLayout::offsets_at())),
        sides(reinterpret_cast<Side*>(payload + l.sides_at)),
        widths(payload + l.widths_at),
        codes(payload + l.codes_at) {}
};
using WrittenSections = AverageSections<std::byte, int64_t, Sides>;
using ReadSections = AverageSections<const std::byte, const int64_t, const Sides>;

// The widths of a chunk's groups, as decode needs them.
struct ChunkWidths {
  int64_t count = 0;
  int64_t units = 0;                          // of all of them
  std::array<uint8_t, kAverageChunk> bits{};  // 0 where a group is constant: it has no codes
};

// Whatever the sections hold, widths are 0, 1, 2, 4 or 8.
template <class Sections>
ChunkWidths read_widths(const Sections& from, int64_t chunk, const AverageLayout& l) noexcept {
  const int64_t first = chunk * kAverageChunk;
  ChunkWidths widths;
  widths.count = std::min(kAverageChunk, l.groups - first);
  for (int64_t i = 0; i < widths.count; ++i) {
    const int64_t g = first + i;
    const auto log2 = std::to_integer<unsigned>(from.widths[g / kWidthsOfByte]) >> (g % kWidthsOfByte * 2) & 3u;
    const unsigned bits = from.sides[g].step == 0 ? 0 : 1u << log2;
    widths.bits[static_cast<size_t>(i)] = static_cast<uint8_t>(bits);
    widths.units += bits;
  }
  return widths;
}

// run(first, count, bits, units before it) for runs of groups of one width, all within the chunk; the group at `alone`
// is a run of its own.
template <class Run>
void for_each_run(const ChunkWidths& chunk, int64_t alone, const Run& run) {
  for (int64_t begin = 0, units = 0; begin < chunk.count;) {
    const int bits = chunk.bits[static_cast<size_t>(begin)];
    int64_t end = begin + 1;
    while (end < chunk.count && end != alone && begin != alone && chunk.bits[static_cast<size_t>(end)] == bits) ++end;
    run(begin, end - begin, bits, units);
    units += (end - begin) * bits;
    begin = end;
  }
}

}  // namespace cinch::codec
