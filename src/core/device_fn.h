// Marks functions that a kernel runs on the GPU and a walk of warps runs on the CPU: the same text for both.
#pragma once

#if defined(__CUDACC__)
#define CINCH_DEVICE_FN __device__ __forceinline__
#define CINCH_UNROLL _Pragma("unroll")
#else
#define CINCH_DEVICE_FN inline
#define CINCH_UNROLL _Pragma("GCC unroll 32")
#endif
