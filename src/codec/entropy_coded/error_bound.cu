// Kernels of error_bound, and of dither where neighbours predict: they arrange blocks and warps, the arithmetic is in
// block_bound_fit.h, block_bound_encode.h, block_bound_decode.h.
#include "src/backend/cuda/device_warp.cuh"
#include "src/backend/cuda/launch.cuh"
#include "src/codec/entropy_coded/block_bound_decode.h"
#include "src/codec/entropy_coded/block_bound_encode.h"
#include "src/codec/entropy_coded/block_bound_fit.h"
#include "src/codec/entropy_coded/device.h"
#include "src/codec/stage/element_type.h"

namespace cinch::codec {
namespace {

using backend::check_cuda;
using backend::DeviceBlock;
using backend::DeviceWarp;
using backend::to_stream;

constexpr int kFitThreads = 512, kFitWarps = kFitThreads / kLanes, kManyWarps = 8, kManyThreads = kManyWarps * kLanes;
constexpr int kChunkThreads = kStreams * kLanes;
// Less than dither's: each value asks for its neighbours, which takes registers.
constexpr int kBlocksOfProcessor = 2;
using FitBlock = DeviceBlock<kFitThreads>;
using ManyBlock = DeviceBlock<kManyThreads>;
using ChunkBlock = DeviceBlock<kChunkThreads>;
using FitRoom = BoundMemory<kFitWarps>;
static_assert(sizeof(FitRoom) <= 48 << 10, "more memory of a block has to be asked for");

// Large tensors: moments and counts come from many blocks. Until the chunks are written, they wait in the slots.
struct FitScratch {
  uint32_t zeros, letters[kLetters];  // these and the integers are 0 at first
  IntegerCounts integers;
  MomentPart parts[kMomentParts];
};
static_assert(sizeof(FitScratch) < kGroupsOfOneBlock * Slots::kLeast);

// Memory of a block whose type has constructors, which shared memory may not have.
#define CINCH_SHARED(Type, name)                                   \
  __shared__ alignas(16) unsigned char name##_bytes[sizeof(Type)]; \
  Type& name = *reinterpret_cast<Type*>(name##_bytes)

template <class T>
__global__ void __launch_bounds__(kFitThreads) bound_fit_kernel(const BoundJob<T> job) {
  CINCH_SHARED(FitRoom, room);
  fit_bound_by_one_block(FitBlock{}, job, room);
}

__device__ __forceinline__ int64_t warp_of_all() { return (int64_t{blockIdx.x} * blockDim.x + threadIdx.x) / kLanes; }
__device__ __forceinline__ int64_t all_warps() { return int64_t{gridDim.x} * blockDim.x / kLanes; }

template <class T>
__global__ void __launch_bounds__(kManyThreads) bound_moments_kernel(const BoundJob<T> job, FitScratch* scratch) {
  for (int64_t pair = warp_of_all(); 2 * pair < job.parts; pair += all_warps())
    add_moments_of_warp(DeviceWarp{}, job, static_cast<int>(pair), scratch->parts);
  count_zeros_of_warp(DeviceWarp{}, job, warp_of_all(), all_warps(), &scratch->zeros);
}

template <class T>
__global__ void __launch_bounds__(kFitThreads) bound_levels_kernel(const BoundJob<T> job, const FitScratch* scratch) {
  CINCH_SHARED(FitRoom, room);
  const FitBlock block;
  clear_bound_state(block, room.state);
  block.each([&](int i) {
    if (i == 0) room.state.zeros = scratch->zeros;
    for (; i < kMomentParts; i += kFitThreads) room.parts[i] = i < job.parts ? scratch->parts[i] : kNoMoments;
  });
  block.sync();
  settle_levels(block, job, room.parts, room.state);
  write_bound_header(block, job, room.state);
}

template <class T>
__global__ void __launch_bounds__(kManyThreads, kBlocksOfProcessor)
    bound_integers_kernel(const BoundJob<T> job, FitScratch* scratch) {
  __shared__ IntegerCounts counts;
  if (!has_levels(job.payload)) return;
  CINCH_SHARED(BoundQuantiser, q);
  const ManyBlock block;
  block.each([&](int i) {
    Grid unused;
    if (i == 0) q = stored_quantiser(job.payload, job.slots, &unused);
  });
  clear_counts(block, counts);
  count_integers_of_warp(DeviceWarp{}, job, q, warp_of_all(), all_warps(), &counts);
  block.sync();
  block.each([&](int i) {
    if (i == 0 && counts.missed > 0) atomicAdd(&scratch->integers.missed, counts.missed);
    for (; i < 2 * kIntegers; i += kManyThreads)
      if (counts.all[i] > 0) atomicAdd(scratch->integers.all + i, counts.all[i]);
  });
}

template <class T>
__global__ void __launch_bounds__(kFitThreads) bound_choice_kernel(const BoundJob<T> job, const FitScratch* scratch) {
  CINCH_SHARED(FitRoom, room);
  if (!has_levels(job.payload)) return;
  const FitBlock block;
  clear_bound_state(block, room.state);
  Grid unused;
  const BoundQuantiser q = stored_quantiser(job.payload, job.slots, &unused);
  block.each([&](int i) {
    if (i == 0) room.state.quantiser = q, room.state.fits = 1, room.choice.counts.missed = scratch->integers.missed;
    for (; i < 2 * kIntegers; i += kFitThreads) room.choice.counts.all[i] = scratch->integers.all[i];
  });
  block.sync();
  settle_choice(block, job, room.choice, room.state);
  write_bound_header(block, job, room.state);
}

template <class T>
__global__ void __launch_bounds__(kManyThreads, kBlocksOfProcessor)
    bound_letters_kernel(const BoundJob<T> job, FitScratch* scratch) {
  __shared__ uint32_t counts[kLetters];
  if (!has_levels(job.payload)) return;
  CINCH_SHARED(BoundQuantiser, q);
  const ManyBlock block;
  block.each([&](int i) {
    Grid unused;
    if (i == 0) q = stored_quantiser(job.payload, job.slots, &unused);
    counts[i] = 0;
  });
  block.sync();
  if (q.alphabet.paired)
    count_bound_letters_of_warp<true>(DeviceWarp{}, job, q, warp_of_all(), all_warps(), counts);
  else
    count_bound_letters_of_warp<false>(DeviceWarp{}, job, q, warp_of_all(), all_warps(), counts);
  block.sync();
  block.each([&](int i) {
    if (counts[i] > 0) atomicAdd(scratch->letters + i, counts[i]);
  });
}
static_assert(kManyThreads == kLetters);

__global__ void __launch_bounds__(kFitThreads)
    bound_code_kernel(std::byte* payload, const Slots slots, const FitScratch* scratch) {
  CINCH_SHARED(FitRoom, room);
  const FitBlock block;
  BoundState& state = room.state;
  clear_bound_state(block, state);
  Grid unused;
  const BoundQuantiser q = stored_quantiser(payload, slots, &unused);
  const bool levels = has_levels(payload);
  block.each([&](int i) {
    if (i < kLetters) state.counts[i] = scratch->letters[i];
    if (i == 0) state.quantiser = q, state.fits = levels ? 1 : 0;
  });
  block.sync();
  settle_bound_code(block, room.merge, state);
  put_lengths(block, payload, state.lengths);
}

extern __shared__ uint4 bound_memory[];

template <class T>
__global__ void __launch_bounds__(kChunkThreads, kBlocksOfProcessor) bound_encode_kernel(const ChunksJob<T> job) {
  BoundEncodeMemory& m = *reinterpret_cast<BoundEncodeMemory*>(bound_memory);
  const ChunkBlock block{m.draws, kDrawWords};
  const int64_t chunks = job.slots.chunks();
  if (!has_levels(job.payload)) {
    for (int64_t chunk = blockIdx.x; chunk < chunks; chunk += gridDim.x) keep_chunk(block, job, chunk);
    return;
  }
  Grid grid;
  const BoundQuantiser q = stored_quantiser(job.payload, job.slots, &grid);
  make_code_table(block, reinterpret_cast<const uint32_t*>(job.payload + lengths_offset()), q.alphabet.literal(),
                  m.code, m.table);
  for (int64_t chunk = blockIdx.x; chunk < chunks; chunk += gridDim.x) {
    if (q.alphabet.paired)
      encode_bound_chunk_of_block<true>(block, job, q, grid, chunk, m);
    else
      encode_bound_chunk_of_block<false>(block, job, q, grid, chunk, m);
  }
}

template <class T>
__global__ void __launch_bounds__(kChunkThreads, kBlocksOfProcessor) bound_decode_kernel(const SlotsJob<T> job) {
  BoundDecodeMemory& m = *reinterpret_cast<BoundDecodeMemory*>(bound_memory);
  const ChunkBlock block{m.draws, kDrawWords};
  const int64_t chunks = job.slots.chunks();
  Grid grid;
  const BoundQuantiser q = stored_quantiser(job.payload, job.slots, &grid);
  if (!fit_grid(grid, job.slots.numel)) {
    for (int64_t chunk = blockIdx.x; chunk < chunks; chunk += gridDim.x)
      put_nan(block, job.out + chunk * kValuesOfChunk, ChunkPlace::of(job.slots, chunk).values);
    return;
  }
  // As for dither: blocks of one processor should not all wait for the same scheduler.
  const int reader = static_cast<int>(blockIdx.x / 128 % 4);
  make_decode_table(block, reinterpret_cast<const uint32_t*>(job.payload + lengths_offset()), m.making, m.table);
  for (int64_t chunk = blockIdx.x; chunk < chunks; chunk += gridDim.x) {
    if (q.alphabet.paired)
      decode_bound_chunk_of_block<true>(block, job, q, grid, chunk, reader, m);
    else
      decode_bound_chunk_of_block<false>(block, job, q, grid, chunk, reader, m);
  }
}

unsigned blocks_of_chunks(const Slots& slots) {
  return static_cast<unsigned>(std::clamp<int64_t>(slots.chunks(), 1, 1 << 16));
}

// More than 48 KiB of a block's memory has to be asked for, on each device.
template <class Kernel>
void ask_for_memory(Kernel kernel, size_t bytes) {
  check_cuda(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(bytes)),
             "error_bound: memory of a block");
}

template <class T>
void launch_fit(const BoundJob<T>& job, cudaStream_t stream) {
  if (job.slots.groups() <= kGroupsOfOneBlock) {
    bound_fit_kernel<<<1, kFitThreads, 0, stream>>>(job);
    return;
  }
  auto* scratch = reinterpret_cast<FitScratch*>(job.payload + job.slots.begin(0));
  const auto blocks = [](int64_t units) {
    return static_cast<unsigned>(std::clamp<int64_t>(ceil_div(units, int64_t{kManyWarps}), 1, 512));
  };
  const int64_t groups = job.pieces.counted / kLetterGroup, all = job.pieces.pieces * groups;
  check_cuda(cudaMemsetAsync(scratch, 0, offsetof(FitScratch, parts), stream), "error_bound: counts");
  bound_moments_kernel<<<64, kManyThreads, 0, stream>>>(job, scratch);
  bound_levels_kernel<<<1, kFitThreads, 0, stream>>>(job, scratch);
  bound_integers_kernel<<<blocks(all / job.pieces.few), kManyThreads, 0, stream>>>(job, scratch);
  bound_choice_kernel<<<1, kFitThreads, 0, stream>>>(job, scratch);
  bound_letters_kernel<<<blocks(all), kManyThreads, 0, stream>>>(job, scratch);
  bound_code_kernel<<<1, kFitThreads, 0, stream>>>(job.payload, job.slots, scratch);
}

}  // namespace

void device_bound_encode(const void* in, DType dtype, const Slots& slots, const BoundAim& aim, const Grid& grid,
                         uint64_t key, std::byte* out, const DeviceCounters& counters, void* stream) {
  with_element_type(dtype, [&](auto zero) {
    using T = decltype(zero);
    const auto* values = static_cast<const T*>(in);
    launch_fit(bound_job(values, slots, dtype, aim, grid, key, out), to_stream(stream));
    check_cuda(cudaGetLastError(), "error_bound: fit");
    if (slots.numel == 0) return;
    ask_for_memory(bound_encode_kernel<T>, sizeof(BoundEncodeMemory));
    bound_encode_kernel<<<blocks_of_chunks(slots), kChunkThreads, sizeof(BoundEncodeMemory), to_stream(stream)>>>(
        ChunksJob<T>{values, slots, out, counters.poisoned, counters.coarsened});
    check_cuda(cudaGetLastError(), "error_bound: encode");
  });
}

void device_bound_decode(const std::byte* payload, const Slots& slots, DType dtype, void* out, void* stream) {
  if (slots.numel == 0) return;
  with_element_type(dtype, [&](auto zero) {
    using T = decltype(zero);
    ask_for_memory(bound_decode_kernel<T>, sizeof(BoundDecodeMemory));
    bound_decode_kernel<<<blocks_of_chunks(slots), kChunkThreads, sizeof(BoundDecodeMemory), to_stream(stream)>>>(
        SlotsJob<T>{payload, slots, static_cast<T*>(out)});
    check_cuda(cudaGetLastError(), "error_bound: decode");
  });
}

}  // namespace cinch::codec
