// Kernels of group_quant: they arrange warps, the arithmetic is in warp_encode.h and warp_decode.h.
#include <type_traits>

#include "src/backend/cuda/device_warp.cuh"
#include "src/backend/cuda/launch.cuh"
#include "src/codec/fixed_rate/device.h"
#include "src/codec/fixed_rate/warp_decode.h"
#include "src/codec/fixed_rate/warp_encode.h"
#include "src/codec/stage/element_type.h"
#include "src/codec/stage/front.cuh"

namespace cinch::codec {
namespace {

using backend::blocks_for;
using backend::check_cuda;
using backend::DeviceWarp;
using backend::kThreads;
using backend::kWarpsPerBlock;
using backend::to_stream;

template <int kBits, bool kNearest, class Source>
__global__ void __launch_bounds__(kThreads, backend::kBlocksPerProcessor)
    encode_kernel(const __grid_constant__ Front front, const EncodeJob<Source> job) {
  __shared__ alignas(16) uint32_t scratch[kWarpsPerBlock][kScratchWords];
  const DeviceWarp warp{scratch[threadIdx.x / kLanes]};
  write_front(front);
  const int64_t pieces = ceil_div(job.source.groups(), GroupLanes<typename Source::Value>::kTogether);
  for (int64_t p = backend::first_piece(); p < pieces; p += backend::piece_stride())
    encode_piece<kBits, kNearest>(warp, job, p);
}

template <int kBits, class T>
__global__ void __launch_bounds__(kThreads, backend::kBlocksPerProcessor) decode_kernel(const DecodeJob<T> job) {
  const DeviceWarp warp;
  for (int64_t p = backend::first_piece(); p < decoding_pieces(job.in.numel); p += backend::piece_stride())
    decode_piece<kBits>(warp, job, p);
}

CodedGroups coded(const std::byte* payload, int64_t numel) {
  return {reinterpret_cast<const Sides*>(payload + sides_offset()), payload + codes_offset(group_count(numel)), numel};
}

template <int kBits, class Source>
void launch_encode(const Source& source, const Header& header, const GroupQuantParams& params, std::byte* out,
                   uint32_t* poisoned, void* stream) {
  const int64_t groups = group_count(header.numel);
  const EncodeJob<Source> job{source, params.key, reinterpret_cast<Sides*>(out + sides_offset()),
                              out + codes_offset(groups), poisoned};
  const Front front =
      make_front(header, out, sides_offset() + groups * static_cast<int64_t>(sizeof(Sides)), codes_offset(groups));
  const unsigned blocks = blocks_for(encoding_pieces<typename Source::Value>(header.numel));
  if (params.nearest)
    encode_kernel<kBits, true><<<blocks, kThreads, 0, to_stream(stream)>>>(front, job);
  else
    encode_kernel<kBits, false><<<blocks, kThreads, 0, to_stream(stream)>>>(front, job);
  check_cuda(cudaGetLastError(), "group_quant: encode");
}

}  // namespace

void device_encode(const void* in, const Header& header, const GroupQuantParams& params, std::byte* out,
                   uint32_t* poisoned, void* stream) {
  with_bits(params.bits, [&](auto bits) {
    with_element_type(params.dtype, [&](auto zero) {
      using T = decltype(zero);
      const TensorSource<T> source{static_cast<const T*>(in), header.numel};
      launch_encode<decltype(bits)::value>(source, header, params, out, poisoned, stream);
    });
  });
}

void device_decode(const std::byte* payload, int64_t numel, int bits, DType dtype, void* out, void* stream) {
  if (numel == 0) return;
  with_bits(bits, [&](auto b) {
    with_element_type(dtype, [&](auto zero) {
      using T = decltype(zero);
      const DecodeJob<T> job{coded(payload, numel), static_cast<T*>(out)};
      decode_kernel<decltype(b)::value><<<blocks_for(decoding_pieces(numel)), kThreads, 0, to_stream(stream)>>>(job);
      check_cuda(cudaGetLastError(), "group_quant: decode");
    });
  });
}

void device_recode(const std::byte* payload, int from_bits, const Header& header, const GroupQuantParams& params,
                   std::byte* out, uint32_t* poisoned, void* stream) {
  const CodedGroups in = coded(payload, header.numel);
  with_bits(from_bits, [&](auto from) {
    with_bits(params.bits, [&](auto to) {
      constexpr int kFrom = decltype(from)::value, kTo = decltype(to)::value;
      if constexpr (kFrom > kTo) launch_encode<kTo>(CodedSource<kFrom>{in}, header, params, out, poisoned, stream);
    });
  });
}

}  // namespace cinch::codec
