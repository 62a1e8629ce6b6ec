// Marks functions that a kernel runs on the GPU and a walk of warps runs on the CPU: the same text for both.
#pragma once

#if defined(__CUDACC__)
#define CINCH_DEVICE_FN __device__ __forceinline__
#define CINCH_UNROLL _Pragma("unroll")
#define CINCH_ROLLED _Pragma("unroll 1")
#else
#define CINCH_DEVICE_FN inline
#define CINCH_UNROLL _Pragma("GCC unroll 32")
#define CINCH_ROLLED _Pragma("GCC unroll 1")
#endif
