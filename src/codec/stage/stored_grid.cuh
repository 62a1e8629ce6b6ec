// What kernels that decode find out from a payload's header: the host does not read it.
#pragma once

#include "src/codec/stage/chunk.h"
#include "src/codec/stage/grid.h"

namespace cinch::codec {

// Of a payload whose header is not that of its values, which the host could not find out: NaN, which no training loop
// overlooks.
template <class T>
__device__ __forceinline__ void fill_with_nan(T* out, int64_t numel) {
  const int64_t first = int64_t{blockIdx.x} * blockDim.x + threadIdx.x, stride = int64_t{gridDim.x} * blockDim.x;
  for (int64_t i = first; i < numel; i += stride) out[i] = from_float<T>(bf16_to_float(0x7fc0));
}

}  // namespace cinch::codec
