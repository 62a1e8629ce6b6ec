// Group kernels of group_quant, dispatched to the machine's instruction set. Every set gives the same bytes.
#pragma once

#include <cstddef>
#include <cstdint>

#include "cinch/dtype.h"
#include "src/codec/fixed_rate/layout.h"

namespace cinch::codec {

struct GroupQuantParams {
  int bits = 4;
  bool nearest = false;
  DType dtype = DType::kFloat32;
  uint64_t key = 0;  // of the generator
};

// Codes `groups` whole groups of values at `in`; `first` is the index of the first group in its tensor. False: a value
// is not finite or too large, and what was written is undefined.
bool encode_groups(const void* in, int64_t groups, int64_t first, const GroupQuantParams& params, Sides* sides,
                   std::byte* codes);

// Ranges of groups: their sides as one level would have them, so that the step is the range; 0 where that is below
// `smallest`. False as above.
bool measure_groups(const void* in, int64_t groups, DType dtype, float smallest, Sides* sides);

// Inverse of encode_groups. `stream`: write past the caches: out must then be 64-byte aligned, and
// finish_streaming() must follow on this thread before anybody reads.
void decode_groups(const Sides* sides, const std::byte* codes, int64_t groups, int bits, DType dtype, void* out,
                   bool stream);
void finish_streaming();

}  // namespace cinch::codec
