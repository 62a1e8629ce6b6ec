// Starting kernels of warps: grid size, errors. A warp takes every n-th piece of work.
#pragma once

#include <cuda_runtime.h>

#include <algorithm>
#include <cstdint>
#include <string>

#include "cinch/error.h"

namespace cinch::backend {

constexpr int kWarpsPerBlock = 8;
constexpr int kThreads = kWarpsPerBlock * 32;
// Promised to ptxas: it then has 64 registers a thread to use before it spills any.
constexpr int kBlocksPerProcessor = 4;

inline void check_cuda(cudaError_t status, const char* what) {
  if (status == cudaSuccess) return;
  (void)cudaGetLastError();  // the next call begins without it
  throw Error(std::string("CUDA: ") + what + ": " + cudaGetErrorString(status));
}

// Blocks for `pieces` of work: no more than fill today's largest GPUs a few times over, known without asking the
// device. Beyond that a warp takes several pieces, and what it prepares serves them all.
inline unsigned blocks_for(int64_t pieces) {
  constexpr int64_t kMost = 1 << 11;
  return static_cast<unsigned>(std::clamp<int64_t>((pieces + kWarpsPerBlock - 1) / kWarpsPerBlock, 1, kMost));
}

inline cudaStream_t to_stream(void* stream) { return static_cast<cudaStream_t>(stream); }

__device__ __forceinline__ int64_t first_piece() { return int64_t{blockIdx.x} * kWarpsPerBlock + threadIdx.x / 32; }
__device__ __forceinline__ int64_t piece_stride() { return int64_t{gridDim.x} * kWarpsPerBlock; }

}  // namespace cinch::backend
