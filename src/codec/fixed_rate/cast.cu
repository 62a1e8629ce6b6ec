// Kernels of cast: they arrange warps, the arithmetic is in warp_cast.h.
#include "src/backend/cuda/device_warp.cuh"
#include "src/backend/cuda/launch.cuh"
#include "src/codec/fixed_rate/device.h"
#include "src/codec/fixed_rate/warp_cast.h"
#include "src/codec/stage/front.cuh"

namespace cinch::codec {
namespace {

using backend::blocks_for;
using backend::check_cuda;
using backend::DeviceWarp;
using backend::kThreads;
using backend::to_stream;

template <class From, class To>
__device__ __forceinline__ void cast_tiles_of_warp(const CastJob<From, To>& job) {
  const int64_t tiles = cast_tiles(job.numel);
  for (int64_t tile = backend::first_piece(); tile < tiles; tile += backend::piece_stride())
    cast_tile(DeviceWarp{}, job, tile);
}

template <class From, class To>
__global__ void __launch_bounds__(kThreads, backend::kBlocksPerProcessor)
    cast_down_kernel(const __grid_constant__ Front front, const CastJob<From, To> job) {
  write_front(front);
  cast_tiles_of_warp(job);
}

template <class From, class To>
__global__ void __launch_bounds__(kThreads, backend::kBlocksPerProcessor) cast_up_kernel(const CastJob<From, To> job) {
  cast_tiles_of_warp(job);
}

}  // namespace

void device_cast_down(const void* in, const Header& header, Narrow to, std::byte* out, void* stream) {
  with_cast_types(static_cast<DType>(header.dtype), to, [&](auto value, auto narrow) {
    using From = decltype(value);
    using To = decltype(narrow);
    const CastJob<From, To> job{static_cast<const typename From::Stored*>(in), header.numel,
                                reinterpret_cast<typename To::Stored*>(out + kHeaderBytes)};
    cast_down_kernel<<<blocks_for(cast_tiles(header.numel)), kThreads, 0, to_stream(stream)>>>(
        make_front(header, out, 0, 0), job);
    check_cuda(cudaGetLastError(), "cast: encode");
  });
}

void device_cast_up(const std::byte* payload, Narrow from, int64_t numel, DType dtype, void* out, void* stream) {
  if (numel == 0) return;
  with_cast_types(dtype, from, [&](auto value, auto narrow) {
    using From = decltype(narrow);
    using To = decltype(value);
    const CastJob<From, To> job{reinterpret_cast<const typename From::Stored*>(payload + kHeaderBytes), numel,
                                static_cast<typename To::Stored*>(out)};
    cast_up_kernel<<<blocks_for(cast_tiles(numel)), kThreads, 0, to_stream(stream)>>>(job);
    check_cuda(cudaGetLastError(), "cast: decode");
  });
}

}  // namespace cinch::codec
