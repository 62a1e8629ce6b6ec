// Kernels of pool: they arrange warps, the work is in warp_pool.h.
#include "src/backend/cuda/device_warp.cuh"
#include "src/backend/cuda/launch.cuh"
#include "src/codec/fixed_rate/device.h"
#include "src/codec/fixed_rate/lfc_layout.h"
#include "src/codec/fixed_rate/warp_pool.h"
#include "src/codec/stage/element_type.h"
#include "src/codec/stage/front.cuh"
#include "src/codec/stage/stored_grid.cuh"

namespace cinch::codec {
namespace {

using backend::blocks_for;
using backend::check_cuda;
using backend::DeviceWarp;
using backend::kThreads;
using backend::to_stream;

template <int kEdge>
constexpr int64_t pool_tiles(int64_t averages) noexcept {
  return ceil_div(averages, kLanes * pool_runs(kEdge));
}

template <int kEdge, class T>
__global__ void __launch_bounds__(kThreads, backend::kBlocksPerProcessor)
    pool_kernel(const __grid_constant__ Front front, const AverageJob<T> job) {
  write_front(front);
  const int64_t tiles = pool_tiles<kEdge>(job.count);
  for (int64_t tile = backend::first_piece(); tile < tiles; tile += backend::piece_stride())
    pool_tile<kEdge>(DeviceWarp{}, job, tile);
}

struct StoredBlocks {
  BlockMap map;
  bool fits;
};

template <class T>
__global__ void __launch_bounds__(kThreads, backend::kBlocksPerProcessor)
    unpool_kernel(const std::byte* payload, int64_t bytes, int64_t edge, int64_t numel, T* out) {
  __shared__ StoredBlocks stored;
  if (threadIdx.x == 0) {
    Grid grid = grid_in(reinterpret_cast<const Header*>(payload)->words);
    stored.fits = fit_grid(grid, numel) && is_mappable(grid) &&
                  kHeaderBytes + average_bytes(grid, blocks_of(grid, edge)) == bytes;
    if (stored.fits) stored.map = block_map(grid, blocks_of(grid, edge));
  }
  __syncthreads();
  if (!stored.fits) return fill_with_nan(out, numel);
  const UnpoolJob<T> job{reinterpret_cast<const uint16_t*>(payload + kHeaderBytes), stored.map, numel, out};
  const int64_t tiles = ceil_div(numel, kUnpoolTile);
  for (int64_t tile = backend::first_piece(); tile < tiles; tile += backend::piece_stride())
    unpool_tile(DeviceWarp{}, job, tile);
}

template <class F>
void with_edge(int64_t edge, F&& f) {
  switch (edge) {
    case 2:
      return f(std::integral_constant<int, 2>());
    case 4:
      return f(std::integral_constant<int, 4>());
    default:
      return f(std::integral_constant<int, 8>());
  }
}

}  // namespace

void device_pool(const void* in, const Header& header, const BlockTensor& tensor, std::byte* out, uint32_t* poisoned,
                 void* stream) {
  with_element_type(tensor.dtype, [&](auto zero) {
    with_edge(tensor.blocks.edge, [&](auto edge) {
      using T = decltype(zero);
      constexpr int kEdge = decltype(edge)::value;
      const AverageJob<T> job = average_job(static_cast<const T*>(in), tensor.grid, tensor.blocks,
                                            reinterpret_cast<uint16_t*>(out + kHeaderBytes), poisoned);
      pool_kernel<kEdge><<<blocks_for(pool_tiles<kEdge>(job.count)), kThreads, 0, to_stream(stream)>>>(
          make_front(header, out, 0, 0), job);
      check_cuda(cudaGetLastError(), "pool: encode");
    });
  });
}

void device_unpool(std::span<const std::byte> payload, int64_t edge, int64_t numel, DType dtype, void* out,
                   void* stream) {
  if (numel == 0) return;
  with_element_type(dtype, [&](auto zero) {
    using T = decltype(zero);
    unpool_kernel<<<blocks_for(ceil_div(numel, kUnpoolTile)), kThreads, 0, to_stream(stream)>>>(
        payload.data(), static_cast<int64_t>(payload.size()), edge, numel, static_cast<T*>(out));
    check_cuda(cudaGetLastError(), "pool: decode");
  });
}

}  // namespace cinch::codec
