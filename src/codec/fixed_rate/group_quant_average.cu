// Kernels of group_quant with average_bits: they arrange blocks and warps, the work is in warp_widths.h, block_widths.h
// and warp_mixed.h. One after the other on a stream: ranges, widths, codes. What lies between them waits where the
// codes will be.
#include "src/backend/cuda/device_warp.cuh"
#include "src/backend/cuda/launch.cuh"
#include "src/codec/fixed_rate/block_widths.h"
#include "src/codec/fixed_rate/device.h"
#include "src/codec/fixed_rate/warp_mixed.h"
#include "src/codec/stage/element_type.h"
#include "src/codec/stage/front.cuh"

namespace cinch::codec {
namespace {

using backend::blocks_for;
using backend::check_cuda;
using backend::DeviceBlock;
using backend::DeviceWarp;
using backend::kThreads;
using backend::kWarpsPerBlock;
using backend::to_stream;

constexpr int kAllotThreads = 512;
using AllotBlock = DeviceBlock<kAllotThreads>;
using AllotRoom = AllotMemory<kAllotThreads>;
static_assert(sizeof(AllotRoom) <= 64 << 10, "what a block can have on every GPU");

// Of a tensor with more groups than one block counts. Sums of chunks follow.
struct AllotScratch {
  uint32_t counts[RangeCounts<1>::kWords];
  Threshold thresholds[kRaiseCount];
  alignas(8) ChunkSums sums[1];
};
static_assert(int64_t{sizeof(AllotScratch)} + kGroupsOfOneBlock / kAverageChunk * int64_t{sizeof(ChunkSums)} <=
                  kGroupsOfOneBlock * kUnitBytes,
              "every group has a unit of codes");
static_assert(sizeof(ChunkSums) <= kUnitBytes, "so have the groups of small tensors");

template <class T>
__global__ void __launch_bounds__(kThreads, backend::kBlocksPerProcessor)
    measure_kernel(const __grid_constant__ Front front, const MeasureJob<T> job) {
  write_front(front);
  const int64_t pieces = encoding_pieces<T>(job.source.numel);
  for (int64_t p = backend::first_piece(); p < pieces; p += backend::piece_stride())
    measure_piece(DeviceWarp{}, job, p);
}

extern __shared__ uint4 allot_memory[];

__global__ void __launch_bounds__(kAllotThreads) allot_kernel(WidthsJob job, int64_t units) {
  AllotRoom& m = *reinterpret_cast<AllotRoom*>(allot_memory);
  job.thresholds = m.thresholds;
  allot_by_one_block(AllotBlock{}, job, units, m);
}

__global__ void __launch_bounds__(kAllotThreads) thresholds_kernel(AllotScratch* scratch, int64_t units) {
  __shared__ BlockSums<kAllotThreads, uint32_t> sums;
  const RangeCounts<1> counts{scratch->counts};
  add_up_counts(AllotBlock{}, counts, sums);
  find_thresholds_of_block(AllotBlock{}, counts, units, scratch->thresholds);
}

__global__ void __launch_bounds__(kThreads) sum_up_kernel(const WidthsJob job, int64_t chunks) {
  for (int64_t c = backend::first_piece(); c < chunks; c += backend::piece_stride()) sum_up_chunk(DeviceWarp{}, job, c);
}

__global__ void __launch_bounds__(kAllotThreads) add_up_kernel(ChunkSums* sums, int64_t chunks) {
  __shared__ BlockSums<kAllotThreads, ChunkSums> memory;
  add_up_chunks(AllotBlock{}, sums, chunks, memory);
}

__global__ void __launch_bounds__(kThreads) widths_kernel(const WidthsJob job, int64_t chunks) {
  for (int64_t c = backend::first_piece(); c < chunks; c += backend::piece_stride()) put_widths(DeviceWarp{}, job, c);
}

// Values stay while codes of several widths are made of them, which takes registers.
template <bool kNearest, class T>
__global__ void __launch_bounds__(kThreads, backend::kBlocksPerProcessor - 1)
    encode_mixed_kernel(const MixedEncodeJob<T> job, int64_t units) {
  __shared__ alignas(16) uint32_t scratch[kWarpsPerBlock][kMixedScratchWords];
  const DeviceWarp warp{scratch[threadIdx.x / kLanes]};
  const int64_t groups = job.source.groups(), parts = mixed_parts(groups);
  clear_rest(warp, job.to, groups, units, backend::first_piece(), backend::piece_stride());
  for (int64_t p = backend::first_piece(); p < parts; p += backend::piece_stride()) encode_part<kNearest>(warp, job, p);
}

template <class T>
__global__ void __launch_bounds__(kThreads, backend::kBlocksPerProcessor)
    decode_mixed_kernel(const MixedDecodeJob<T> job) {
  __shared__ uint32_t scratch[kWarpsPerBlock][kPartGroups];
  const DeviceWarp warp{scratch[threadIdx.x / kLanes]};
  const int64_t parts = mixed_parts(group_count(job.numel));
  for (int64_t p = backend::first_piece(); p < parts; p += backend::piece_stride()) decode_part(warp, job, p);
}

// Widths and offsets of groups that are measured; of many of them, `scratch` has the counts.
void launch_allot(WidthsJob job, const AverageLayout& l, AllotScratch* scratch, cudaStream_t stream) {
  if (scratch == nullptr) {
    // More than 48 KiB of a block's memory has to be asked for, on each device.
    check_cuda(cudaFuncSetAttribute(allot_kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, sizeof(AllotRoom)),
               "group_quant: memory of a block");
    job.sums = reinterpret_cast<ChunkSums*>(job.to.codes);
    allot_kernel<<<1, kAllotThreads, sizeof(AllotRoom), stream>>>(job, l.units);
  } else {
    job.thresholds = scratch->thresholds;
    job.sums = scratch->sums;
    const unsigned blocks = blocks_for(l.chunks);
    thresholds_kernel<<<1, kAllotThreads, 0, stream>>>(scratch, l.units);
    sum_up_kernel<<<blocks, kThreads, 0, stream>>>(job, l.chunks);
    add_up_kernel<<<1, kAllotThreads, 0, stream>>>(job.sums, l.chunks);
    widths_kernel<<<blocks, kThreads, 0, stream>>>(job, l.chunks);
  }
  check_cuda(cudaGetLastError(), "group_quant: widths");
}

}  // namespace

void device_encode_average(const void* in, const Header& header, const AverageLayout& l, const GroupQuantParams& params,
                           std::byte* out, uint32_t* poisoned, void* stream) {
  const WrittenSections to(out, l);
  auto* scratch = l.groups > kGroupsOfOneBlock ? reinterpret_cast<AllotScratch*>(to.codes) : nullptr;
  if (scratch != nullptr)
    check_cuda(cudaMemsetAsync(scratch->counts, 0, sizeof scratch->counts, to_stream(stream)), "group_quant: counts");
  // The gap begins within a half: widths come later, and may share it.
  const int64_t widths_end = l.widths_at + ceil_div(l.groups, kWidthsOfByte);
  const Front front = make_front(header, out, widths_end / 2 * 2, l.codes_at);
  with_element_type(params.dtype, [&](auto zero) {
    using T = decltype(zero);
    const TensorSource<T> source{static_cast<const T*>(in), header.numel};
    const MeasureJob<T> measured{source, to.sides, {scratch != nullptr ? scratch->counts : nullptr}, poisoned};
    measure_kernel<<<blocks_for(encoding_pieces<T>(header.numel)), kThreads, 0, to_stream(stream)>>>(front, measured);
    check_cuda(cudaGetLastError(), "group_quant: ranges");
    if (header.numel == 0) return;
    launch_allot({to, l.groups, nullptr, nullptr}, l, scratch, to_stream(stream));
    const MixedEncodeJob<T> job{source, params.key, to};
    const unsigned blocks = blocks_for(mixed_parts(l.groups));
    if (params.nearest)
      encode_mixed_kernel<true><<<blocks, kThreads, 0, to_stream(stream)>>>(job, l.units);
    else
      encode_mixed_kernel<false><<<blocks, kThreads, 0, to_stream(stream)>>>(job, l.units);
    check_cuda(cudaGetLastError(), "group_quant: encode");
  });
}

void device_decode_average(const std::byte* payload, const AverageLayout& l, int64_t numel, DType dtype, void* out,
                           void* stream) {
  if (numel == 0) return;
  with_element_type(dtype, [&](auto zero) {
    using T = decltype(zero);
    const MixedDecodeJob<T> job{ReadSections(payload, l), numel, l.units, static_cast<T*>(out)};
    decode_mixed_kernel<<<blocks_for(mixed_parts(l.groups)), kThreads, 0, to_stream(stream)>>>(job);
    check_cuda(cudaGetLastError(), "group_quant: decode");
  });
}

}  // namespace cinch::codec
