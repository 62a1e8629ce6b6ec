// Kernels of fixed_point, dispatched to the machine's instruction set. Every set gives the same bytes.
#pragma once

#include <cstddef>
#include <cstdint>

#include "cinch/dtype.h"
#include "src/codec/fixed_rate/channel_cells.h"
#include "src/codec/fixed_rate/layout.h"
#include "src/codec/stage/grid.h"

namespace cinch::codec {

struct ChannelTensor {
  Grid grid;
  int64_t numel = 0;
  DType dtype = DType::kFloat32;
  int bits = 4;
};

struct ChannelLayout {
  int64_t sides, sides_end, codes, bytes;
};
constexpr ChannelLayout channel_layout(const Grid& grid, int64_t numel, int bits) noexcept {
  ChannelLayout l{};
  l.sides = kHeaderBytes;
  l.sides_end = l.sides + (numel > 0 ? channel_count(grid) : 0) * int64_t{sizeof(ChannelSides)};
  l.codes = align64(l.sides_end);
  l.bytes = l.codes + group_count(numel) * code_bytes(bits);
  return l;
}

// Codes groups [first, last) of 256. False: a value is not finite or too large; what was written is undefined.
bool encode_channels(const void* data, const ChannelTensor& tensor, int64_t first, int64_t last,
                     const ChannelSides* sides, std::byte* codes);
// Inverse. `stream`: write past the caches (out must then be 64-byte aligned).
void decode_channels(const ChannelSides* sides, const std::byte* codes, const ChannelTensor& tensor, int64_t first,
                     int64_t last, void* out, bool stream);

}  // namespace cinch::codec
