// Kernels of dither: they arrange blocks and warps, the arithmetic is in block_fit.h, block_channels.h, block_encode.h,
// block_decode.h.
#include "src/backend/cuda/device_warp.cuh"
#include "src/backend/cuda/launch.cuh"
#include "src/codec/entropy_coded/block_channels.h"
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
static_assert(sizeof(FitScratch) + kMostChannels * sizeof(ChannelMoment) < kGroupsOfOneBlock * Slots::kLeast);

// Values that ask for their channel's sides take registers.
template <class Channels>
constexpr int kBlocksOfProcessor = std::is_same_v<Channels, NoChannels> ? backend::kBlocksPerProcessor : 2;

CINCH_DEVICE_FN Header header_of(const std::byte* payload) { return *reinterpret_cast<const Header*>(payload); }

// Memory of a block whose type has constructors, which shared memory may not have.
#define CINCH_FIT_ROOM(name)                                          \
  __shared__ alignas(16) unsigned char name##_bytes[sizeof(FitRoom)]; \
  FitRoom& name = *reinterpret_cast<FitRoom*>(name##_bytes)

template <class T, class Channels>
__global__ void __launch_bounds__(kFitThreads) fit_kernel(const FitJob<T> job, const Channels channels) {
  CINCH_FIT_ROOM(room);
  fit_by_one_block(FitBlock{room.draws, kDrawWords}, job, room, channels);
}

template <class T>
__global__ void __launch_bounds__(128) channel_moments_kernel(const T* in, const ChannelFit fit) {
  const int warps = static_cast<int>(gridDim.x * blockDim.x) / kLanes;
  for (int c = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x) / kLanes; c < fit.count; c += warps)
    find_channel_moment(DeviceWarp{}, in, fit, c);
}

template <class T>
__global__ void __launch_bounds__(128) moments_kernel(const FitJob<T> job, FitScratch* scratch) {
  const int warps = static_cast<int>(gridDim.x * blockDim.x) / kLanes;
  for (int pair = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x) / kLanes; 2 * pair < job.parts; pair += warps)
    add_moments_of_warp(DeviceWarp{}, job, pair, scratch->parts);
}

template <class T, class Channels>
__global__ void __launch_bounds__(kFitThreads)
    quantiser_kernel(const FitJob<T> job, const Channels channels, FitScratch* scratch) {
  CINCH_FIT_ROOM(room);
  const FitBlock block{room.draws, kDrawWords};
  block.each([&](int i) {
    if (i < kLetters) scratch->counts[i] = 0;
    for (; i < kMomentParts; i += kFitThreads) room.parts[i] = i < job.parts ? scratch->parts[i] : kNoMoments;
  });
  block.sync();
  fit_quantiser(block, job, room, channels);
  write_header_of_block(block, job, room.state);
}

template <class T, class Channels>
__global__ void __launch_bounds__(kChunkThreads)
    count_kernel(const FitJob<T> job, const Channels channels, FitScratch* scratch) {
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
                   int64_t{gridDim.x} * ChunkBlock::kWarps, counts, channels);
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

template <class T, class Channels>
__global__ void __launch_bounds__(kChunkThreads, kBlocksOfProcessor<Channels>)
    encode_kernel(const ChunksJob<T> job, const Channels channels) {
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
      encode_chunk_of_block<true>(block, job, q, chunk, m, channels);
    else
      encode_chunk_of_block<false>(block, job, q, chunk, m, channels);
  }
}

// `nothing`: there is none, or it cannot be read.
template <class T, class Channels>
__device__ __forceinline__ void decode_chunks(const ChunkBlock& block, const SlotsJob<T>& job, const Header& header,
                                              bool nothing, const Channels& channels, SlotDecodeMemory& m) {
  const int64_t chunks = job.slots.chunks();
  if (nothing) {
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
      decode_chunk_of_block<true>(block, job, q, chunk, reader, m, channels);
    else
      decode_chunk_of_block<false>(block, job, q, chunk, reader, m, channels);
  }
}

template <class T>
__global__ void __launch_bounds__(kChunkThreads, backend::kBlocksPerProcessor) decode_kernel(const SlotsJob<T> job) {
  SlotDecodeMemory& m = *reinterpret_cast<SlotDecodeMemory*>(chunk_memory);
  const ChunkBlock block{m.draws, kDrawWords};
  const Header header = header_of(job.payload);
  decode_chunks(block, job, header, (header.kind & (kNothingFinite | kByChannel)) != 0, NoChannels{}, m);
}

// Of a codec that tells channels apart, where it can: only the payload says whether it did.
template <class T>
__global__ void __launch_bounds__(kChunkThreads, kBlocksOfProcessor<TensorChannels>)
    decode_channels_kernel(const std::byte* payload, int64_t bytes, int64_t numel, T* out) {
  __shared__ StoredDither stored;
  SlotDecodeMemory& m = *reinterpret_cast<SlotDecodeMemory*>(chunk_memory);
  const ChunkBlock block{m.draws, kDrawWords};
  if (threadIdx.x == 0) stored = stored_dither(payload, bytes, numel);
  __syncthreads();
  const Header header = header_of(payload);
  const SlotsJob<T> job{payload, stored.slots(numel), out};
  const bool nothing = !stored.fits || (header.kind & kNothingFinite) != 0;
  if (stored.by_channel)
    decode_chunks(block, job, header, nothing, stored.channels(payload, numel), m);
  else
    decode_chunks(block, job, header, nothing, NoChannels{}, m);
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

template <class T, class Channels>
void launch_fit(const FitJob<T>& job, const Channels& channels, cudaStream_t stream) {
  if constexpr (std::is_same_v<Channels, ChannelFit>)
    channel_moments_kernel<<<static_cast<unsigned>(ceil_div(channels.count, 4)), 128, 0, stream>>>(job.in, channels);
  if (job.slots.groups() <= kGroupsOfOneBlock) {
    fit_kernel<<<1, kFitThreads, 0, stream>>>(job, channels);
    return;
  }
  auto* scratch = reinterpret_cast<FitScratch*>(job.payload + job.slots.begin(0));
  const auto blocks = std::clamp<int64_t>(ceil_div(sample_pairs(job.code), int64_t{ChunkBlock::kWarps}), 1, 1024);
  moments_kernel<<<128, 128, 0, stream>>>(job, scratch);
  quantiser_kernel<<<1, kFitThreads, 0, stream>>>(job, channels, scratch);
  count_kernel<<<static_cast<unsigned>(blocks), kChunkThreads, 0, stream>>>(job, channels, scratch);
  code_kernel<<<1, kFitThreads, 0, stream>>>(job.payload, scratch);
}

template <class T, class Channels>
void launch_encode(const FitJob<T>& fit, const Channels& channels, const DeviceCounters& counters,
                   cudaStream_t stream) {
  launch_fit(fit, channels, stream);
  check_cuda(cudaGetLastError(), "dither: fit");
  if (fit.slots.numel == 0) return;
  const auto kernel = encode_kernel<T, Channels>;
  ask_for_memory(kernel, sizeof(EncodeMemory));
  kernel<<<blocks_of_chunks(fit.slots), kChunkThreads, sizeof(EncodeMemory), stream>>>(
      ChunksJob<T>{fit.in, fit.slots, fit.payload, counters.poisoned, counters.coarsened}, channels);
  check_cuda(cudaGetLastError(), "dither: encode");
}

}  // namespace

void device_dither_encode(const void* in, DType dtype, const Slots& slots, double step_sigma, const Grid* channels,
                          uint64_t key, std::byte* out, const DeviceCounters& counters, void* stream) {
  with_element_type(dtype, [&](auto zero) {
    using T = decltype(zero);
    const FitJob<T> job = fit_job(static_cast<const T*>(in), slots, dtype, step_sigma, key, out);
    if (channels == nullptr) return launch_encode(job, NoChannels{}, counters, to_stream(stream));
    const bool one_block = slots.groups() <= kGroupsOfOneBlock;
    launch_encode(job, channel_fit(job, *channels, one_block ? 0 : sizeof(FitScratch)), counters, to_stream(stream));
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

void device_dither_channels_decode(std::span<const std::byte> payload, int64_t numel, DType dtype, void* out,
                                   void* stream) {
  if (numel == 0) return;
  with_element_type(dtype, [&](auto zero) {
    using T = decltype(zero);
    ask_for_memory(decode_channels_kernel<T>, sizeof(SlotDecodeMemory));
    decode_channels_kernel<<<blocks_of_chunks(Slots{numel, 0}), kChunkThreads, sizeof(SlotDecodeMemory),
                             to_stream(stream)>>>(payload.data(), static_cast<int64_t>(payload.size()), numel,
                                                  static_cast<T*>(out));
    check_cuda(cudaGetLastError(), "dither: decode");
  });
}

}  // namespace cinch::codec
