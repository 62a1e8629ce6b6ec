// Kernels of lfc: they arrange warps, the work is in stage/warp_average.h, warp_ranges.h and warp_lfc.h. One after the
// other on a stream: averages, ranges and sides of maps, codes.
#include "src/backend/cuda/device_warp.cuh"
#include "src/backend/cuda/launch.cuh"
#include "src/codec/fixed_rate/device.h"
#include "src/codec/fixed_rate/lfc_layout.h"
#include "src/codec/fixed_rate/warp_lfc.h"
#include "src/codec/fixed_rate/warp_ranges.h"
#include "src/codec/stage/element_type.h"
#include "src/codec/stage/front.cuh"
#include "src/codec/stage/stored_grid.cuh"
#include "src/codec/stage/warp_average.h"

namespace cinch::codec {
namespace {

using backend::blocks_for;
using backend::check_cuda;
using backend::DeviceWarp;
using backend::kThreads;
using backend::kWarpsPerBlock;
using backend::to_stream;

// Sums that wait for their neighbours take registers.
template <bool kMany, class T>
__global__ void __launch_bounds__(kThreads, backend::kBlocksPerProcessor - (kMany ? 1 : 0))
    lfc_averages_kernel(const __grid_constant__ Front front, const AverageJob<T> job) {
  write_front(front);
  const int64_t tiles = ceil_div(job.count, kLanes);
  for (int64_t tile = backend::first_piece(); tile < tiles; tile += backend::piece_stride())
    average_tile<kAnyColumns<kMany>, kMany, 1>(DeviceWarp{}, job, tile);
}

template <class T>
__global__ void __launch_bounds__(kThreads, backend::kBlocksPerProcessor) clear_keys_kernel(const RangeJob<T> job) {
  const int64_t pieces = ceil_div(job.outer * job.map.grid.inner, kLanes);
  for (int64_t p = backend::first_piece(); p < pieces; p += backend::piece_stride())
    clear_keys(DeviceWarp{}, job, p * kLanes);
}

template <class T>
__global__ void __launch_bounds__(kThreads, backend::kBlocksPerProcessor) ranges_kernel(const RangeJob<T> job) {
  const int64_t pieces = job.pieces();
  for (int64_t p = backend::first_piece(); p < pieces; p += backend::piece_stride()) range_piece(DeviceWarp{}, job, p);
}

template <class T>
__global__ void __launch_bounds__(kThreads, backend::kBlocksPerProcessor) keys_to_sides_kernel(const RangeJob<T> job) {
  const int64_t pieces = ceil_div(job.outer * job.map.grid.inner, kLanes);
  for (int64_t p = backend::first_piece(); p < pieces; p += backend::piece_stride())
    keys_to_sides(DeviceWarp{}, job, p * kLanes);
}

// Chunks of 16-bit values are twice as many values at once, and take more registers.
template <int kBits, class T>
__global__ void __launch_bounds__(kThreads, backend::kBlocksPerProcessor - (sizeof(T) == 2 ? 1 : 0))
    encode_residuals_kernel(const __grid_constant__ Front front, const ResidualEncodeJob<T> job) {
  __shared__ alignas(16) uint32_t scratch[kWarpsPerBlock][kScratchWords];
  const DeviceWarp warp{scratch[threadIdx.x / kLanes]};
  write_front(front);
  for (int64_t p = backend::first_piece(); p < encoding_pieces<T>(job.source.numel); p += backend::piece_stride())
    encode_residuals<kBits>(warp, job, p);
}

struct StoredMaps {
  BlockMap map;
  int64_t averages, codes;  // offsets in the payload
  bool fits;
};

template <int kBits, class T>
__global__ void __launch_bounds__(kThreads, backend::kBlocksPerProcessor - (sizeof(T) == 2 ? 1 : 0))
    decode_residuals_kernel(const std::byte* payload, int64_t bytes, int64_t edge, int64_t numel, T* out) {
  __shared__ StoredMaps stored;
  if (threadIdx.x == 0) {
    Grid grid = grid_in(reinterpret_cast<const Header*>(payload)->words);
    stored.fits = fit_grid(grid, numel) && is_mappable(grid);
    if (stored.fits) {
      const Blocks blocks = blocks_of(grid, edge);
      const LfcLayout l = lfc_layout(grid, blocks, numel, kBits);
      stored.fits = l.bytes == bytes;
      stored.map = block_map(grid, blocks);
      stored.averages = l.averages, stored.codes = l.codes;
    }
  }
  __syncthreads();
  if (!stored.fits) return fill_with_nan(out, numel);
  const ResidualDecodeJob<T> job{stored.map,
                                 reinterpret_cast<const Sides*>(payload + kHeaderBytes),
                                 reinterpret_cast<const uint16_t*>(payload + stored.averages),
                                 payload + stored.codes,
                                 numel,
                                 out};
  for (int64_t p = backend::first_piece(); p < decoding_pieces(numel); p += backend::piece_stride())
    decode_residuals<kBits>(DeviceWarp{}, job, p);
}

template <class T>
void launch_averages(const Front& front, const AverageJob<T>& job, void* stream) {
  const unsigned blocks = blocks_for(ceil_div(job.count, kLanes));
  if (has_many_columns(job.edge))
    lfc_averages_kernel<true><<<blocks, kThreads, 0, to_stream(stream)>>>(front, job);
  else
    lfc_averages_kernel<false><<<blocks, kThreads, 0, to_stream(stream)>>>(front, job);
  check_cuda(cudaGetLastError(), "lfc: averages");
}

template <class T>
void launch_ranges(const RangeJob<T>& job, void* stream) {
  const unsigned blocks = blocks_for(ceil_div(job.outer * job.map.grid.inner, kLanes));
  if (job.parts > 1) clear_keys_kernel<<<blocks, kThreads, 0, to_stream(stream)>>>(job);
  ranges_kernel<<<blocks_for(job.pieces()), kThreads, 0, to_stream(stream)>>>(job);
  if (job.parts > 1) keys_to_sides_kernel<<<blocks, kThreads, 0, to_stream(stream)>>>(job);
  check_cuda(cudaGetLastError(), "lfc: ranges");
}

}  // namespace

void device_encode_lfc(const void* in, const Header& header, const BlockTensor& t, int bits, uint64_t key,
                       std::byte* out, uint32_t* poisoned, void* stream) {
  const LfcLayout l = lfc_layout(t.grid, t.blocks, t.numel, bits);
  auto* sides = reinterpret_cast<Sides*>(out + l.sides);
  auto* averages = reinterpret_cast<uint16_t*>(out + l.averages);
  with_element_type(t.dtype, [&](auto zero) {
    using T = decltype(zero);
    const auto* values = static_cast<const T*>(in);
    if (t.numel > 0) {
      // A map that cannot be averaged is counted once, with its sides.
      launch_averages(make_front(header, out, l.sides_end, l.averages),
                      average_job(values, t.grid, t.blocks, averages, nullptr), stream);
      // Keys lie where codes will: maps of more than one part have codes enough.
      launch_ranges(range_job(values, averages, t.grid, t.blocks, bits, reinterpret_cast<KeyRange*>(out + l.codes),
                              sides, poisoned),
                    stream);
    }
    with_bits(bits, [&](auto b) {
      const ResidualEncodeJob<T> job{{values, t.numel}, block_map(t.grid, t.blocks), key, sides, averages,
                                     out + l.codes};
      const unsigned blocks = blocks_for(encoding_pieces<T>(t.numel));
      // The same header once more, and the other gap.
      encode_residuals_kernel<decltype(b)::value>
          <<<blocks, kThreads, 0, to_stream(stream)>>>(make_front(header, out, l.averages_end, l.codes), job);
      check_cuda(cudaGetLastError(), "lfc: encode");
    });
  });
}

void device_decode_lfc(std::span<const std::byte> payload, int64_t edge, int64_t numel, int bits, DType dtype,
                       void* out, void* stream) {
  if (numel == 0) return;
  with_element_type(dtype, [&](auto zero) {
    with_bits(bits, [&](auto b) {
      using T = decltype(zero);
      decode_residuals_kernel<decltype(b)::value>
          <<<blocks_for(decoding_pieces(numel)), kThreads, 0, to_stream(stream)>>>(
              payload.data(), static_cast<int64_t>(payload.size()), edge, numel, static_cast<T*>(out));
      check_cuda(cudaGetLastError(), "lfc: decode");
    });
  });
}

}  // namespace cinch::codec
