// Kernels of `int` for max-pool indices: they arrange warps, the work is in warp_pool.h.
#include "src/backend/cuda/device_warp.cuh"
#include "src/backend/cuda/launch.cuh"
#include "src/codec/lossless/device.h"
#include "src/codec/lossless/warp_pool.h"
#include "src/codec/stage/front.cuh"

namespace cinch::codec {
namespace {

using backend::blocks_for;
using backend::check_cuda;
using backend::DeviceWarp;
using backend::kThreads;
using backend::kWarpsPerBlock;
using backend::to_stream;

constexpr int kPoolWords = static_cast<int>(sizeof(StoredPool) / 4);

struct PoolFront {
  Front front;
  backend::Words<kPoolWords> pool;  // follows the header
};

template <class T>
__global__ void __launch_bounds__(kThreads, backend::kBlocksPerProcessor)
    to_offsets_kernel(const __grid_constant__ PoolFront front, const ToOffsetsJob<T> job) {
  __shared__ alignas(16) uint32_t scratch[kWarpsPerBlock][kPoolScratchWords];
  const DeviceWarp warp{scratch[threadIdx.x / backend::kLanes]};
  write_front(front.front);
  if (blockIdx.x == 0 && threadIdx.x < kPoolWords)
    front.front.out[kHeaderBytes / 4 + threadIdx.x] = front.pool.at[threadIdx.x];
  const int64_t tiles = pool_tiles(job.numel);
  for (int64_t tile = backend::first_piece(); tile < tiles; tile += backend::piece_stride())
    tile_to_offsets(warp, job, tile);
}

template <class T>
__global__ void __launch_bounds__(kThreads, backend::kBlocksPerProcessor)
    from_offsets_kernel(const StoredPool* pool, FromOffsetsJob<T> job) {
  job.map = map_of(*pool);
  const int64_t tiles = pool_tiles(job.numel);
  for (int64_t tile = backend::first_piece(); tile < tiles; tile += backend::piece_stride())
    tile_from_offsets(DeviceWarp{}, job, tile);
}

template <class T>
void launch_to_offsets(const void* in, const Header& header, const StoredPool& pool, std::byte* out, uint32_t* poisoned,
                       void* stream) {
  PoolFront front{make_front(header, out, 0, 0), {}};
  std::memcpy(front.pool.at, &pool, sizeof pool);
  const ToOffsetsJob<T> job{static_cast<const T*>(in),
                            header.numel,
                            map_of(pool),
                            header.bits,
                            reinterpret_cast<uint32_t*>(out + kHeaderBytes + sizeof(StoredPool)),
                            poisoned};
  to_offsets_kernel<<<blocks_for(pool_tiles(header.numel)), kThreads, 0, to_stream(stream)>>>(front, job);
  check_cuda(cudaGetLastError(), "int: encode");
}

template <class T>
void launch_from_offsets(const std::byte* payload, int64_t numel, int width, void* out, void* stream) {
  const auto* pool = reinterpret_cast<const StoredPool*>(payload + kHeaderBytes);
  const FromOffsetsJob<T> job{reinterpret_cast<const uint32_t*>(payload + kHeaderBytes + sizeof(StoredPool)),
                              numel,
                              {},
                              width,
                              static_cast<T*>(out)};
  from_offsets_kernel<<<blocks_for(pool_tiles(numel)), kThreads, 0, to_stream(stream)>>>(pool, job);
  check_cuda(cudaGetLastError(), "int: decode");
}

}  // namespace

void device_to_offsets(const void* in, const Header& header, const StoredPool& pool, std::byte* out, uint32_t* poisoned,
                       void* stream) {
  if (static_cast<DType>(header.dtype) == DType::kInt32)
    return launch_to_offsets<int32_t>(in, header, pool, out, poisoned, stream);
  launch_to_offsets<int64_t>(in, header, pool, out, poisoned, stream);
}

void device_from_offsets(const std::byte* payload, int64_t numel, int width, DType dtype, void* out, void* stream) {
  if (dtype == DType::kInt32) return launch_from_offsets<int32_t>(payload, numel, width, out, stream);
  launch_from_offsets<int64_t>(payload, numel, width, out, stream);
}

}  // namespace cinch::codec
