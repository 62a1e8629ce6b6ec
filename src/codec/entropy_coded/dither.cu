// Kernels of dither: they arrange blocks and warps, the arithmetic is in block_fit.h, block_encode.h, block_decode.h.
#include "src/backend/cuda/device_warp.cuh"
#include "src/backend/cuda/launch.cuh"
#include "src/codec/entropy_coded/block_decode.h"
#include "src/codec/entropy_coded/block_encode.h"
#include "src/codec/entropy_coded/block_fit.h"
#include "src/codec/entropy_coded/device.h"
#include "src/codec/stage/element_type.h"

namespace cinch::codec {
namespace {

using backend::check_cuda;
using backend::DeviceBlock;
using backend::DeviceWarp;
using backend::to_stream;

constexpr int kFitThreads = 512, kFitWarps = kFitThreads / kLanes;
constexpr int kChunkThreads = kStreams * kLanes;
using FitBlock = DeviceBlock<kFitThreads>;
using ChunkBlock = DeviceBlock<kChunkThreads>;
using FitRoom = FitMemory<kFitWarps>;
static_assert(sizeof(FitRoom) <= 48 << 10, "more memory of a block has to be asked for");

// Large tensors: moments and counts come from many blocks. Until the chunks are written, they wait in the slots.
struct FitScratch {
  uint32_t counts[kLetters];
  MomentPart parts[kMomentParts];
};
static_assert(sizeof(FitScratch) < kGroupsOfOneBlock * Slots::kLeast);

CINCH_DEVICE_FN Header header_of(const std::byte* payload) { return *reinterpret_cast<const Header*>(payload); }

// Memory of a block whose type has constructors, which shared memory may not have.
#define CINCH_FIT_ROOM(name)                                          \
  __shared__ alignas(16) unsigned char name##_bytes[sizeof(FitRoom)]; \
  FitRoom& name = *reinterpret_cast<FitRoom*>(name##_bytes)

template <class T>
__global__ void __launch_bounds__(kFitThreads) fit_kernel(const FitJob<T> job) {
  CINCH_FIT_ROOM(room);
  fit_by_one_block(FitBlock{room.draws, kDrawWords}, job, room);
}

template <class T>
__global__ void __launch_bounds__(128) moments_kernel(const FitJob<T> job, FitScratch* scratch) {
  const int warps = static_cast<int>(gridDim.x * blockDim.x) / kLanes;
  for (int pair = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x) / kLanes; 2 * pair < job.parts; pair += warps)
    add_moments_of_warp(DeviceWarp{}, job, pair, scratch->parts);
}

template <class T>
__global__ void __launch_bounds__(kFitThreads) quantiser_kernel(const FitJob<T> job, FitScratch* scratch) {
  CINCH_FIT_ROOM(room);
  const FitBlock block{room.draws, kDrawWords};
  block.each([&](int i) {
    if (i < kLetters) scratch->counts[i] = 0;
    for (; i < kMomentParts; i += kFitThreads) room.parts[i] = i < job.parts ? scratch->parts[i] : kNoMoments;
  });
  block.sync();
  fit_quantiser(block, job, room);
  write_header_of_block(block, job, room.state);
}

template <class T>
__global__ void __launch_bounds__(kChunkThreads) count_kernel(const FitJob<T> job, FitScratch* scratch) {
  __shared__ alignas(16) uint32_t draws[kChunkThreads / kLanes * kDrawWords];
  __shared__ uint32_t counts[kLetters];
  const Header header = header_of(job.payload);
  if ((header.kind & kNothingFinite) != 0) return;
  const ChunkBlock block{draws, kDrawWords};
  const Quantiser q = get_quantiser(header);
  const ToSymbols to = to_symbols(q);
  block.each([&](int i) { counts[i] = 0; });
  block.sync();
  block.warps([&](const DeviceWarp& w, int warp) {
    count_for_code(w, job, q, to, int64_t{blockIdx.x} * ChunkBlock::kWarps + warp,
                   int64_t{gridDim.x} * ChunkBlock::kWarps, counts);
  });
  block.sync();
  block.each([&](int i) {
    if (counts[i] > 0) atomicAdd(scratch->counts + i, counts[i]);
  });
}
static_assert(kChunkThreads == kLetters);

__global__ void __launch_bounds__(kFitThreads) code_kernel(std::byte* payload, const FitScratch* scratch) {
  CINCH_FIT_ROOM(room);
  const FitBlock block{room.draws, kDrawWords};
  const Header header = header_of(payload);
  FitState& state = room.state;
  if ((header.kind & kNothingFinite) != 0) {
    clear_lengths(block, state);
  } else {
    block.each([&](int i) {
      if (i < kLetters) state.counts[i] = scratch->counts[i];
      if (i == 0) state.quantiser = get_quantiser(header), state.alone = 0;
    });
    block.sync();
    settle_code(block, room.merge, state);
  }
  write_lengths_of_block(block, payload, state);
}

extern __shared__ uint4 chunk_memory[];

template <class T>
__global__ void __launch_bounds__(kChunkThreads, backend::kBlocksPerProcessor) encode_kernel(const ChunksJob<T> job) {
  EncodeMemory& m = *reinterpret_cast<EncodeMemory*>(chunk_memory);
  const ChunkBlock block{m.draws, kDrawWords};
  const Header header = header_of(job.payload);
  const Steps q = Steps::of(get_quantiser(header));
  const int64_t chunks = job.slots.chunks();
  if ((header.kind & kNothingFinite) != 0) {
    for (int64_t chunk = blockIdx.x; chunk < chunks; chunk += gridDim.x)
      skip_chunk(block, job.slots, chunk, job.payload, job.poisoned);
    return;
  }
  make_code_table(block, reinterpret_cast<const uint32_t*>(job.payload + lengths_offset()), q.literal(), m.code,
                  m.table);
  for (int64_t chunk = blockIdx.x; chunk < chunks; chunk += gridDim.x) {
    if (q.paired)
      encode_chunk_of_block<true>(block, job, q, chunk, m);
    else
      encode_chunk_of_block<false>(block, job, q, chunk, m);
  }
}

template <class T>
__global__ void __launch_bounds__(kChunkThreads, backend::kBlocksPerProcessor) decode_kernel(const SlotsJob<T> job) {
  SlotDecodeMemory& m = *reinterpret_cast<SlotDecodeMemory*>(chunk_memory);
  const ChunkBlock block{m.draws, kDrawWords};
  const Header header = header_of(job.payload);
  const int64_t chunks = job.slots.chunks();
  if ((header.kind & kNothingFinite) != 0) {
    for (int64_t chunk = blockIdx.x; chunk < chunks; chunk += gridDim.x)
      put_nan(block, job.out + chunk * kValuesOfChunk, ChunkPlace::of(job.slots, chunk).values);
    return;
  }
  const ValueSteps q = ValueSteps::of(get_quantiser(header));
  // A large GPU has about 128 processors, which get blocks in turn; each of its four schedulers has every fourth warp.
  const int reader = static_cast<int>(blockIdx.x / 128 % 4);
  make_decode_table(block, reinterpret_cast<const uint32_t*>(job.payload + lengths_offset()), m.making, m.table);
  for (int64_t chunk = blockIdx.x; chunk < chunks; chunk += gridDim.x) {
    if (q.paired)
      decode_chunk_of_block<true>(block, job, q, chunk, reader, m);
    else
      decode_chunk_of_block<false>(block, job, q, chunk, reader, m);
  }
}

unsigned blocks_of_chunks(const Slots& slots) {
  return static_cast<unsigned>(std::clamp<int64_t>(slots.chunks(), 1, 1 << 16));
}

// More than 48 KiB of a block's memory has to be asked for, on each device.
template <class Kernel>
void ask_for_memory(Kernel kernel, size_t bytes) {
  check_cuda(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(bytes)),
             "dither: memory of a block");
}

template <class T>
void launch_fit(const FitJob<T>& job, cudaStream_t stream) {
  if (job.slots.groups() <= kGroupsOfOneBlock) {
    fit_kernel<<<1, kFitThreads, 0, stream>>>(job);
    return;
  }
  auto* scratch = reinterpret_cast<FitScratch*>(job.payload + chunks_offset(job.slots.numel));
  const auto blocks = std::clamp<int64_t>(ceil_div(sample_pairs(job.code), int64_t{ChunkBlock::kWarps}), 1, 1024);
  moments_kernel<<<128, 128, 0, stream>>>(job, scratch);
  quantiser_kernel<<<1, kFitThreads, 0, stream>>>(job, scratch);
  count_kernel<<<static_cast<unsigned>(blocks), kChunkThreads, 0, stream>>>(job, scratch);
  code_kernel<<<1, kFitThreads, 0, stream>>>(job.payload, scratch);
}

}  // namespace

void device_dither_encode(const void* in, DType dtype, const Slots& slots, double step_sigma, uint64_t key,
                          std::byte* out, const DeviceCounters& counters, void* stream) {
  with_element_type(dtype, [&](auto zero) {
    using T = decltype(zero);
    const auto* values = static_cast<const T*>(in);
    launch_fit(fit_job(values, slots, dtype, step_sigma, key, out), to_stream(stream));
    check_cuda(cudaGetLastError(), "dither: fit");
    if (slots.numel == 0) return;
    ask_for_memory(encode_kernel<T>, sizeof(EncodeMemory));
    encode_kernel<<<blocks_of_chunks(slots), kChunkThreads, sizeof(EncodeMemory), to_stream(stream)>>>(
        ChunksJob<T>{values, slots, out, counters.poisoned, counters.coarsened});
    check_cuda(cudaGetLastError(), "dither: encode");
  });
}

void device_dither_decode(const std::byte* payload, const Slots& slots, DType dtype, void* out, void* stream) {
  if (slots.numel == 0) return;
  with_element_type(dtype, [&](auto zero) {
    using T = decltype(zero);
    ask_for_memory(decode_kernel<T>, sizeof(SlotDecodeMemory));
    decode_kernel<<<blocks_of_chunks(slots), kChunkThreads, sizeof(SlotDecodeMemory), to_stream(stream)>>>(
        SlotsJob<T>{payload, slots, static_cast<T*>(out)});
    check_cuda(cudaGetLastError(), "dither: decode");
  });
}

}  // namespace cinch::codec
