// Kernels of lfc and pool, dispatched to the machine's instruction set. Every set gives the same bytes.
#pragma once

#include <cstddef>
#include <cstdint>

#include "cinch/dtype.h"
#include "src/codec/fixed_rate/layout.h"
#include "src/codec/stage/grid.h"

namespace cinch::codec {

struct BlockTensor {
  Grid grid;
  Blocks blocks;
  int64_t numel = 0;
  DType dtype = DType::kFloat32;
};

// Averages of slabs [first, last). False: a value is not finite or too large; what was written is undefined.
bool pool_slabs(const void* data, const BlockTensor& tensor, int64_t first, int64_t last, uint16_t* averages);
// Values of groups [first, last) of 256. `stream`: write past the caches (out must then be 64-byte aligned).
void unpool_groups(const uint16_t* averages, const BlockTensor& tensor, int64_t first, int64_t last, void* out,
                   bool stream);

struct LfcSections {
  Sides* sides;  // one a map
  uint16_t* averages;
  std::byte* codes;
};
// Codes slabs [first, last), which begin where a group does, and end where one does or the tensor ends.
bool encode_slabs(const void* data, const BlockTensor& tensor, int bits, uint64_t key, int64_t first, int64_t last,
                  const LfcSections& to);
void decode_slabs(const Sides* sides, const uint16_t* averages, const std::byte* codes, const BlockTensor& tensor,
                  int bits, int64_t first_group, int64_t last_group, void* out, bool stream);

}  // namespace cinch::codec
