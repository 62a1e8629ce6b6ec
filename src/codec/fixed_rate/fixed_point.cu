// Kernels of fixed_point: they arrange warps, the work is in warp_channels.h.
#include "src/backend/cuda/device_warp.cuh"
#include "src/backend/cuda/launch.cuh"
#include "src/codec/fixed_rate/device.h"
#include "src/codec/fixed_rate/warp_channels.h"
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

template <class T>
__global__ void __launch_bounds__(kThreads, backend::kBlocksPerProcessor)
    channel_sides_kernel(const ChannelSidesJob<T> job) {
  for (int64_t c = backend::first_piece(); c < job.channels; c += backend::piece_stride())
    find_channel_sides(DeviceWarp{}, job, c);
}

template <int kBits, class T>
__global__ void __launch_bounds__(kThreads, backend::kBlocksPerProcessor)
    encode_cells_kernel(const __grid_constant__ Front front, const ChannelEncodeJob<T> job) {
  write_front(front);
  for (int64_t p = backend::first_piece(); p < encoding_pieces<T>(job.source.numel); p += backend::piece_stride())
    encode_cells<kBits>(DeviceWarp{}, job, p);
}

struct StoredChannels {
  ChannelMap map;
  int64_t codes;  // offset in the payload
  bool fits;
};

template <int kBits, class T>
__global__ void __launch_bounds__(kThreads, backend::kBlocksPerProcessor)
    decode_cells_kernel(const std::byte* payload, int64_t bytes, int64_t numel, T* out) {
  __shared__ StoredChannels stored;
  if (threadIdx.x == 0) {
    Grid grid = grid_in(reinterpret_cast<const Header*>(payload)->words);
    stored.fits = fit_grid(grid, numel) && channel_layout(grid, numel, kBits).bytes == bytes;
    if (stored.fits) {
      stored.map = channel_map(grid);
      stored.codes = channel_layout(grid, numel, kBits).codes;
    }
  }
  __syncthreads();
  if (!stored.fits) return fill_with_nan(out, numel);
  const ChannelDecodeJob<T> job{reinterpret_cast<const ChannelSides*>(payload + kHeaderBytes), payload + stored.codes,
                                stored.map, numel, out};
  for (int64_t p = backend::first_piece(); p < decoding_pieces(numel); p += backend::piece_stride())
    decode_cells<kBits>(DeviceWarp{}, job, p);
}

template <class F>
void with_cell_bits(int bits, F&& f) {
  bits == 4 ? f(std::integral_constant<int, 4>()) : f(std::integral_constant<int, 8>());
}

}  // namespace

void device_encode_channels(const void* in, const Header& header, const ChannelTensor& tensor, std::byte* out,
                            uint32_t* poisoned, void* stream) {
  const ChannelLayout l = channel_layout(tensor.grid, tensor.numel, tensor.bits);
  auto* sides = reinterpret_cast<ChannelSides*>(out + l.sides);
  with_element_type(tensor.dtype, [&](auto zero) {
    using T = decltype(zero);
    const auto* values = static_cast<const T*>(in);
    if (tensor.numel > 0) {
      const int64_t channels = channel_count(tensor.grid);
      const ChannelSidesJob<T> job{values,       channel_sample(tensor.grid, values_looked_at(tensor.grid)),
                                   channels,     tensor.bits,
                                   tensor.dtype, sides};
      channel_sides_kernel<<<blocks_for(channels), kThreads, 0, to_stream(stream)>>>(job);
      check_cuda(cudaGetLastError(), "fixed_point: statistics");
    }
    with_cell_bits(tensor.bits, [&](auto bits) {
      const ChannelEncodeJob<T> job{{values, tensor.numel}, channel_map(tensor.grid), sides, out + l.codes, poisoned};
      const unsigned blocks = blocks_for(encoding_pieces<T>(tensor.numel));
      encode_cells_kernel<decltype(bits)::value>
          <<<blocks, kThreads, 0, to_stream(stream)>>>(make_front(header, out, l.sides_end, l.codes), job);
      check_cuda(cudaGetLastError(), "fixed_point: encode");
    });
  });
}

void device_decode_channels(std::span<const std::byte> payload, int64_t numel, int bits, DType dtype, void* out,
                            void* stream) {
  if (numel == 0) return;
  with_element_type(dtype, [&](auto zero) {
    with_cell_bits(bits, [&](auto b) {
      using T = decltype(zero);
      decode_cells_kernel<decltype(b)::value><<<blocks_for(decoding_pieces(numel)), kThreads, 0, to_stream(stream)>>>(
          payload.data(), static_cast<int64_t>(payload.size()), numel, static_cast<T*>(out));
      check_cuda(cudaGetLastError(), "fixed_point: decode");
    });
  });
}

}  // namespace cinch::codec
