// Kernels of fixed_point, dispatched to the machine's instruction set. Every set gives the same bytes.
#pragma once

#include <cstddef>
#include <cstdint>

#include "cinch/dtype.h"
#include "src/codec/fixed_rate/layout.h"
#include "src/codec/stage/grid.h"

namespace cinch::codec {

struct alignas(4) ChannelSides {  // a kernel moves both at once
  uint16_t step = 0;              // bfloat16
  uint16_t shift = 1;             // codes below it are of values that are not positive; 1 .. levels - 1
};
static_assert(sizeof(ChannelSides) == 4);

struct ChannelTensor {
  Grid grid;
  int64_t numel = 0;
  DType dtype = DType::kFloat32;
  int bits = 4;
};

// Codes groups [first, last) of 256. False: a value is not finite or too large; what was written is undefined.
bool encode_channels(const void* data, const ChannelTensor& tensor, int64_t first, int64_t last,
                     const ChannelSides* sides, std::byte* codes);
// Inverse. `stream`: write past the caches (out must then be 64-byte aligned).
void decode_channels(const ChannelSides* sides, const std::byte* codes, const ChannelTensor& tensor, int64_t first,
                     int64_t last, void* out, bool stream);

}  // namespace cinch::codec
