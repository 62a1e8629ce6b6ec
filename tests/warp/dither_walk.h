// dither's kernels on the CPU: the fit, blocks that code chunks, blocks that decode them.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>

#include "src/codec/entropy_coded/block_channels.h"
#include "src/codec/entropy_coded/block_decode.h"
#include "src/codec/entropy_coded/block_encode.h"
#include "src/codec/entropy_coded/block_fit.h"
#include "tests/contract/support.h"
#include "tests/warp/host_warp.h"

namespace cinch::testing {

using FitHostBlock = HostBlock<512>;
using ChunkHostBlock = HostBlock<codec::kStreams * backend::kLanes>;

// Memory of a block holds anything at first.
template <class M>
std::unique_ptr<M> block_memory() {
  auto memory = std::make_unique<M>();
  if constexpr (std::is_trivially_copyable_v<M>) std::memset(static_cast<void*>(memory.get()), 0xa5, sizeof(M));
  return memory;
}

// Calls f(zero) with a value of the type that kernels have for it.
template <class F>
decltype(auto) with_kernel_type(DType dtype, F f) {
  if (dtype == DType::kFloat32) return f(float{});
  if (dtype == DType::kBFloat16) return f(codec::Bf16{});
  return f(codec::Fp16{});
}

// As the kernels do it: by one block, or, where `spread`, by many.
template <class T, class Channels>
void walk_fit(const codec::FitJob<T>& job, const Channels& channels, bool spread) {
  using namespace cinch::codec;
  const auto room = block_memory<FitMemory<FitHostBlock::kWarps>>();
  const FitHostBlock block{room->draws, kDrawWords};
  if (!spread) return fit_by_one_block(block, job, *room, channels);
  FitState& state = room->state;
  std::vector<MomentPart> parts(kMomentParts, kNoMoments);
  for (int pair = 0; 2 * pair < job.parts; ++pair) add_moments_of_warp(HostWarp{}, job, pair, parts.data());
  std::copy(parts.begin(), parts.end(), room->parts);
  fit_quantiser(block, job, *room, channels);
  write_header_of_block(block, job, state);
  if (!state.scale.any) {
    clear_lengths(block, state);
    return write_lengths_of_block(block, job.payload, state);
  }
  std::vector<uint32_t> counts(kLetters), draws(kDrawWords);
  for (int64_t warp = 0; warp < 24; ++warp)
    count_for_code(HostWarp{draws.data()}, job, state.quantiser, to_symbols(state.quantiser), warp, 24, counts.data(),
                   channels);
  std::copy(counts.begin(), counts.end(), state.counts);
  settle_code(block, room->merge, state);
  write_lengths_of_block(block, job.payload, state);
}

struct Counted {
  uint32_t poisoned = 0, coarsened = 0;
};

struct WalkOptions {
  double step_sigma = 1;
  bool spread = false;  // the fit
  codec::Slots slots;
  std::optional<Grid> channels = {};  // that are told apart
};

// The kernel of the chunks, behind the fit.
template <class T, class Channels>
void walk_chunks(const codec::ChunksJob<T>& job, const Channels& channels) {
  using namespace cinch::codec;
  Header header;
  std::memcpy(&header, job.payload, sizeof header);
  const Steps q = Steps::of(get_quantiser(header));
  const auto m = block_memory<EncodeMemory>();
  const ChunkHostBlock block{m->draws, kDrawWords};
  const bool nothing = (header.kind & kNothingFinite) != 0;
  if (!nothing)
    make_code_table(block, reinterpret_cast<const uint32_t*>(job.payload + lengths_offset()), q.literal(), m->code,
                    m->table);
  for (int64_t chunk = 0; chunk < job.slots.chunks(); ++chunk) {
    if (nothing)
      skip_chunk(block, job.slots, chunk, job.payload, job.poisoned);
    else if (q.paired)
      encode_chunk_of_block<true>(block, job, q, chunk, *m, channels);
    else
      encode_chunk_of_block<false>(block, job, q, chunk, *m, channels);
  }
}

inline Buffer walk_dither_encode(const Extent& in, const WalkOptions& options, uint64_t key,
                                 Counted* counted = nullptr) {
  using namespace cinch::codec;
  Counted unused;
  Counted& counts = counted != nullptr ? *counted : unused;
  const Slots& slots = options.slots;
  Buffer payload(slots.payload_bytes());
  std::memset(payload.data(), 0x5a, static_cast<size_t>(payload.size()));
  with_kernel_type(in.dtype, [&](auto zero) {
    using T = decltype(zero);
    const auto* values = static_cast<const T*>(in.data);
    const FitJob<T> fit = fit_job(values, slots, in.dtype, options.step_sigma, key, payload.data());
    if (!options.channels) {
      walk_fit(fit, NoChannels{}, options.spread);
      return walk_chunks(ChunksJob<T>{values, slots, payload.data(), &counts.poisoned, &counts.coarsened},
                         NoChannels{});
    }
    const ChannelFit channels = channel_fit(fit, *options.channels, 0);
    for (int c = 0; c < channels.count; ++c) find_channel_moment(HostWarp{}, values, channels, c);
    walk_fit(fit, channels, options.spread);
    walk_chunks(ChunksJob<T>{values, slots, payload.data(), &counts.poisoned, &counts.coarsened}, channels);
  });
  EXPECT_TRUE(payload.intact());
  return payload;
}

template <class T, class Channels>
void walk_decode_chunks(const codec::SlotsJob<T>& job, const codec::Header& header, const Channels& channels) {
  using namespace cinch::codec;
  const ValueSteps q = ValueSteps::of(get_quantiser(header));
  const auto m = block_memory<SlotDecodeMemory>();
  const ChunkHostBlock block{m->draws, kDrawWords};
  make_decode_table(block, reinterpret_cast<const uint32_t*>(job.payload + lengths_offset()), m->making, m->table);
  for (int64_t chunk = 0; chunk < job.slots.chunks(); ++chunk) {
    if (q.paired)
      decode_chunk_of_block<true>(block, job, q, chunk, static_cast<int>(chunk % 4), *m, channels);
    else
      decode_chunk_of_block<false>(block, job, q, chunk, static_cast<int>(chunk % 4), *m, channels);
  }
}

// `told_apart`: by the kernel of a codec that tells channels apart, whether or not it could here.
inline Buffer walk_dither_decode(const Buffer& payload, int64_t numel, DType dtype, bool told_apart = false) {
  using namespace cinch::codec;
  Buffer out(numel * dtype_bytes(dtype));
  Header header;
  std::memcpy(&header, payload.data(), sizeof header);
  const bool nothing = (header.kind & kNothingFinite) != 0;
  with_kernel_type(dtype, [&](auto zero) {
    using T = decltype(zero);
    auto* values = reinterpret_cast<T*>(out.data());
    if (told_apart) {
      const StoredDither stored = stored_dither(payload.data(), payload.size(), numel);
      if (!stored.fits || nothing) return put_nan(ChunkHostBlock{}, values, numel);
      const SlotsJob<T> job{payload.data(), stored.slots(numel), values};
      return stored.by_channel ? walk_decode_chunks(job, header, stored.channels(payload.data(), numel))
                               : walk_decode_chunks(job, header, NoChannels{});
    }
    const Slots slots = slots_of(payload.size(), numel);
    EXPECT_EQ(slots.group_bytes, get_slots(header).group_bytes);
    if (nothing) return put_nan(ChunkHostBlock{}, values, numel);
    walk_decode_chunks(SlotsJob<T>{payload.data(), slots, values}, header, NoChannels{});
  });
  EXPECT_TRUE(out.intact());
  return out;
}

}  // namespace cinch::testing
