// A warp of a kernel; see src/backend/warp.h. Every lane of the warp must be there.
#pragma once

#include <cstdint>

#include "src/backend/warp.h"

namespace cinch::backend {

struct DeviceWarp {
  template <class U>
  struct Var {
    U mine;
    __device__ __forceinline__ U& operator[](int) { return mine; }
    __device__ __forceinline__ const U& operator[](int) const { return mine; }
  };

  uint32_t* scratch = nullptr;

  static constexpr unsigned kAll = 0xffffffffu;

  __device__ __forceinline__ static int lane() { return static_cast<int>(threadIdx.x % kLanes); }
  template <class F>
  __device__ __forceinline__ void each(F&& f) const {
    f(lane());
  }
  __device__ __forceinline__ void sync() const { __syncwarp(); }

  __device__ __forceinline__ int32_t min(const Var<int32_t>& v) const {
#if __CUDA_ARCH__ >= 800
    return __reduce_min_sync(kAll, v.mine);
#else
    int32_t m = v.mine;
    for (int mask = 16; mask > 0; mask /= 2) {
      const int32_t other = __shfl_xor_sync(kAll, m, mask);
      m = other < m ? other : m;
    }
    return m;
#endif
  }
  __device__ __forceinline__ int32_t max(const Var<int32_t>& v) const {
#if __CUDA_ARCH__ >= 800
    return __reduce_max_sync(kAll, v.mine);
#else
    int32_t m = v.mine;
    for (int mask = 16; mask > 0; mask /= 2) {
      const int32_t other = __shfl_xor_sync(kAll, m, mask);
      m = other > m ? other : m;
    }
    return m;
#endif
  }
  __device__ __forceinline__ bool any(const Var<bool>& v) const { return __any_sync(kAll, v.mine) != 0; }
  __device__ __forceinline__ Var<uint32_t> exchange(const Var<uint32_t>& v, int mask) const {
    return {__shfl_xor_sync(kAll, v.mine, mask)};
  }
  __device__ __forceinline__ Var<uint32_t> sum_up_to(const Var<uint32_t>& v) const {
    uint32_t sum = v.mine;
    for (int distance = 1; distance < kLanes; distance *= 2) {
      const uint32_t below = __shfl_up_sync(kAll, sum, distance);
      sum += lane() >= distance ? below : 0;
    }
    return {sum};
  }
  __device__ __forceinline__ void count(uint32_t* counter, const Var<bool>& v) const {
    const unsigned lanes = __ballot_sync(kAll, v.mine);
    if (counter != nullptr && lanes != 0 && lane() == 0) atomicAdd(counter, static_cast<unsigned>(__popc(lanes)));
  }
  __device__ __forceinline__ void lower(int32_t* at, int32_t value) const { atomicMin(at, value); }
  __device__ __forceinline__ void raise(int32_t* at, int32_t value) const { atomicMax(at, value); }
  __device__ __forceinline__ uint32_t last(const Var<uint32_t>& v) const {
    return __shfl_sync(kAll, v.mine, kLanes - 1);
  }
  __device__ __forceinline__ void count(uint32_t* counter, uint32_t n = 1) const {
    if (counter != nullptr && lane() == 0) atomicAdd(counter, n);
  }
  __device__ __forceinline__ static void or_into(uint32_t* word, uint32_t bits) { atomicOr(word, bits); }
  __device__ __forceinline__ static void add_to(uint32_t* word, uint32_t n) { atomicAdd(word, n); }
};

// A block of a kernel; every thread of it must be there. Its warps have `warp_words` of `scratch` each.
template <int kCount>
struct DeviceBlock {
  static constexpr int kThreads = kCount, kWarps = kCount / kLanes;

  uint32_t* scratch = nullptr;
  int warp_words = 0;

  template <class F>
  __device__ __forceinline__ void each(F&& f) const {
    f(static_cast<int>(threadIdx.x));
  }
  template <class F>
  __device__ __forceinline__ void warps(F&& f) const {
    const int warp = static_cast<int>(threadIdx.x) / kLanes;
    f(DeviceWarp{scratch + warp * warp_words}, warp);
  }
  __device__ __forceinline__ void sync() const { __syncthreads(); }
  __device__ __forceinline__ static void add_to(uint32_t* word, uint32_t n) { atomicAdd(word, n); }
};

}  // namespace cinch::backend
