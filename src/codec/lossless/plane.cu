// Kernels of `mask` and `bits`: they arrange warps, the work is in stage/warp_plane.h.
#include "src/backend/cuda/device_warp.cuh"
#include "src/backend/cuda/launch.cuh"
#include "src/codec/lossless/device.h"
#include "src/codec/stage/front.cuh"
#include "src/codec/stage/warp_plane.h"

namespace cinch::codec {
namespace {

using backend::blocks_for;
using backend::check_cuda;
using backend::DeviceWarp;
using backend::kThreads;
using backend::to_stream;

template <class Test>
__global__ void __launch_bounds__(kThreads, backend::kBlocksPerProcessor)
    plane_kernel(const __grid_constant__ Front front, const PlaneJob<Test> job) {
  write_front(front);
  const int64_t tiles = tile_count(job.numel);
  for (int64_t tile = backend::first_piece(); tile < tiles; tile += backend::piece_stride())
    write_tile(DeviceWarp{}, job, tile);
}

template <class P>
__global__ void __launch_bounds__(kThreads, backend::kBlocksPerProcessor)
    choose_kernel(const Header* header, ChooseJob<P> job) {
  if constexpr (sizeof(P) > 1) {
    job.off = static_cast<P>(header->words[0]);
    job.on = static_cast<P>(header->words[1]);
    job.second = static_cast<P>(header->words[2]);
  }
  const int64_t tiles = tile_count(job.numel);
  for (int64_t tile = backend::first_piece(); tile < tiles; tile += backend::piece_stride())
    read_tile(DeviceWarp{}, job, tile);
}

template <class Test>
void launch_plane(const Front& front, const void* in, int64_t numel, const Test& test, std::byte* plane, void* stream) {
  const PlaneJob<Test> job{in, numel, test, reinterpret_cast<uint32_t*>(plane)};
  plane_kernel<<<blocks_for(tile_count(numel)), kThreads, 0, to_stream(stream)>>>(front, job);
  check_cuda(cudaGetLastError(), "mask: encode");
}

template <class P>
void launch_choose(const std::byte* payload, int64_t second_offset, int64_t numel, void* out, void* stream) {
  const ChooseJob<P> job{reinterpret_cast<const uint32_t*>(payload + kHeaderBytes),
                         second_offset > 0 ? reinterpret_cast<const uint32_t*>(payload + second_offset) : nullptr,
                         numel,
                         0,
                         1,
                         0,
                         static_cast<P*>(out)};
  choose_kernel<<<blocks_for(tile_count(numel)), kThreads, 0, to_stream(stream)>>>(
      reinterpret_cast<const Header*>(payload), job);
  check_cuda(cudaGetLastError(), "mask: decode");
}

template <class T, class F>
void mask_typed(const void* in, const Header& header, const Predicate& predicate, std::byte* out, void* stream) {
  const int64_t first_end = kHeaderBytes + plane_halves(header.numel) * 4;
  const bool two = predicate.kind == PredicateKind::kSign;
  const Front front = make_front(header, out, first_end, two ? align64(first_end) : first_end);
  launch_plane(front, in, header.numel, PredicateTest<T, F>{interval_of<F>(predicate)}, out + kHeaderBytes, stream);
  if (!two) return;
  // The same header once more, and no gap.
  launch_plane(make_front(header, out, 0, 0), in, header.numel, PredicateTest<T, F>{negative_interval<F>()},
               out + align64(first_end), stream);
}

}  // namespace

void device_mask(const void* in, const Header& header, const Predicate& predicate, std::byte* out, void* stream) {
  switch (static_cast<DType>(header.dtype)) {
    case DType::kFloat32:
      return mask_typed<float, float>(in, header, predicate, out, stream);
    case DType::kBFloat16:
      return mask_typed<Bf16, float>(in, header, predicate, out, stream);
    case DType::kFloat16:
      return mask_typed<Fp16, float>(in, header, predicate, out, stream);
    default:
      return mask_typed<double, double>(in, header, predicate, out, stream);
  }
}

void device_bits(const void* in, const Header& header, std::byte* out, void* stream) {
  launch_plane(make_front(header, out, 0, 0), in, header.numel, NonzeroTest{}, out + kHeaderBytes, stream);
}

void device_choose(const std::byte* payload, int64_t second_offset, int64_t numel, int64_t width, void* out,
                   void* stream) {
  if (numel == 0) return;
  switch (width) {
    case 1:
      return launch_choose<uint8_t>(payload, second_offset, numel, out, stream);
    case 2:
      return launch_choose<uint16_t>(payload, second_offset, numel, out, stream);
    case 4:
      return launch_choose<uint32_t>(payload, second_offset, numel, out, stream);
    default:
      return launch_choose<uint64_t>(payload, second_offset, numel, out, stream);
  }
}

}  // namespace cinch::codec
