// What kernels that decode find out from a payload's header: the host does not read it.
#pragma once

#include <algorithm>

#include "src/backend/cuda/launch.cuh"
#include "src/codec/stage/chunk.h"
#include "src/codec/stage/grid.h"

namespace cinch::codec {

// Every block reads the header, which takes divisions in 64 bits: few blocks, each with more work.
inline unsigned blocks_with_grid(int64_t pieces) { return std::min(backend::blocks_for(pieces), 1u << 12); }

// Of a payload whose header is not that of its values, which the host could not find out: NaN, which no training loop
// overlooks.
template <class T>
__device__ __forceinline__ void fill_with_nan(T* out, int64_t numel) {
  const int64_t first = int64_t{blockIdx.x} * blockDim.x + threadIdx.x, stride = int64_t{gridDim.x} * blockDim.x;
  for (int64_t i = first; i < numel; i += stride) out[i] = from_float<T>(bf16_to_float(0x7fc0));
}

// The tensor's type of values: f(zero of it) for a dtype of is_codable_float.
template <class F>
void with_element_type(DType dtype, F f) {
  switch (dtype) {
    case DType::kFloat32:
      return f(float{});
    case DType::kBFloat16:
      return f(Bf16{});
    default:
      return f(Fp16{});
  }
}

}  // namespace cinch::codec
