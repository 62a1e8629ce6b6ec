// Where the bytes of an lfc payload are. lfc.md draws it. A pool payload is the same without sides and codes.
#pragma once

#include "src/codec/fixed_rate/layout.h"
#include "src/codec/stage/grid.h"

namespace cinch::codec {

constexpr uint32_t kLfcMagic = make_magic('C', 'L', 'F', '1');
constexpr uint32_t kPoolMagic = make_magic('C', 'P', 'L', '1');

constexpr int64_t average_bytes(const Grid& g, const Blocks& b) noexcept {
  return g.outer * slab_averages(g, b) * int64_t{sizeof(uint16_t)};
}

struct LfcLayout {
  int64_t sides, sides_end, averages, averages_end, codes, bytes;
};
constexpr LfcLayout lfc_layout(const Grid& g, const Blocks& b, int64_t numel, int bits) noexcept {
  LfcLayout l{};
  l.sides = kHeaderBytes;
  l.sides_end = l.sides + map_count(g) * int64_t{sizeof(Sides)};
  l.averages = align64(l.sides_end);
  l.averages_end = l.averages + average_bytes(g, b);
  l.codes = align64(l.averages_end);
  l.bytes = l.codes + group_count(numel) * code_bytes(bits);
  return l;
}

}  // namespace cinch::codec
