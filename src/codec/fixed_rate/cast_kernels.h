// Kernels of cast, dispatched to the machine's instruction set. Every set gives the same bytes.
#pragma once

#include <cstdint>

#include "cinch/dtype.h"
#include "src/codec/fixed_rate/narrow_type.h"

namespace cinch::codec {

// `count` values of `dtype` to the narrower type, and back. Any value can be cast.
void cast_down(const void* in, DType dtype, Narrow to, int64_t count, void* out);
void cast_up(const void* in, Narrow from, DType dtype, int64_t count, void* out);

}  // namespace cinch::codec
