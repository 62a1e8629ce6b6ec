// The kernels of error_bound on the CPU: the fit, blocks that code chunks, blocks that decode them.
#pragma once

#include "src/codec/entropy_coded/block_bound_decode.h"
#include "src/codec/entropy_coded/block_bound_encode.h"
#include "src/codec/entropy_coded/block_bound_fit.h"
#include "tests/warp/dither_walk.h"

namespace cinch::testing {

struct BoundWalk {
  codec::BoundAim aim;
  Grid grid;            // as of grid_in_header
  bool spread = false;  // the fit
  codec::Slots slots;
};

// As the kernels do it: by one block, or, where `spread`, by many, which know of each other what the payload says.
template <class T>
void walk_bound_fit(const codec::BoundJob<T>& job, bool spread) {
  using namespace cinch::codec;
  const auto room = block_memory<BoundMemory<FitHostBlock::kWarps>>();
  const FitHostBlock block{};
  if (!spread) return fit_bound_by_one_block(block, job, *room);
  BoundState& state = room->state;
  constexpr int kWarps = 24;
  std::vector<MomentPart> parts(kMomentParts, kNoMoments);
  uint32_t zeros = 0;
  for (int pair = 0; 2 * pair < job.parts; ++pair) add_moments_of_warp(HostWarp{}, job, pair, parts.data());
  for (int warp = 0; warp < kWarps; ++warp) count_zeros_of_warp(HostWarp{}, job, warp, kWarps, &zeros);
  clear_bound_state(block, state);
  state.zeros = zeros;
  std::copy(parts.begin(), parts.end(), room->parts);
  settle_levels(block, job, room->parts, state);
  write_bound_header(block, job, state);
  std::vector<uint32_t> letters(kLetters);
  Grid unused;
  if (has_levels(job.payload)) {
    auto counts = std::make_unique<IntegerCounts>();
    const BoundQuantiser levels = stored_quantiser(job.payload, job.slots, &unused);
    for (int warp = 0; warp < kWarps; ++warp)
      count_integers_of_warp(HostWarp{}, job, levels, warp, kWarps, counts.get());
    room->choice.counts = *counts;
    clear_bound_state(block, state);
    state.quantiser = levels, state.fits = 1;
    settle_choice(block, job, room->choice, state);
    write_bound_header(block, job, state);
    const BoundQuantiser q = stored_quantiser(job.payload, job.slots, &unused);
    for (int warp = 0; warp < kWarps; ++warp) {
      if (q.alphabet.paired)
        count_bound_letters_of_warp<true>(HostWarp{}, job, q, warp, kWarps, letters.data());
      else
        count_bound_letters_of_warp<false>(HostWarp{}, job, q, warp, kWarps, letters.data());
    }
  }
  clear_bound_state(block, state);
  std::copy(letters.begin(), letters.end(), state.counts);
  state.quantiser = stored_quantiser(job.payload, job.slots, &unused);
  state.fits = has_levels(job.payload) ? 1 : 0;
  settle_bound_code(block, room->merge, state);
  put_lengths(block, job.payload, state.lengths);
}

inline Buffer walk_bound_encode(const Extent& in, const BoundWalk& options, uint64_t key, Counted* counted = nullptr) {
  using namespace cinch::codec;
  Counted unused;
  Counted& counts = counted != nullptr ? *counted : unused;
  const Slots& slots = options.slots;
  Buffer payload(slots.payload_bytes());
  std::memset(payload.data(), 0x5a, static_cast<size_t>(payload.size()));
  with_kernel_type(in.dtype, [&](auto zero) {
    using T = decltype(zero);
    const auto* values = static_cast<const T*>(in.data);
    walk_bound_fit(bound_job(values, slots, in.dtype, options.aim, options.grid, key, payload.data()), options.spread);
    const auto m = block_memory<BoundEncodeMemory>();
    const ChunkHostBlock block{m->draws, kDrawWords};
    const ChunksJob<T> job{values, slots, payload.data(), &counts.poisoned, &counts.coarsened};
    Grid grid;
    const BoundQuantiser q = stored_quantiser(payload.data(), slots, &grid);
    const bool levels = has_levels(payload.data());
    if (levels)
      make_code_table(block, reinterpret_cast<const uint32_t*>(payload.data() + lengths_offset()), q.alphabet.literal(),
                      m->code, m->table);
    for (int64_t chunk = 0; chunk < slots.chunks(); ++chunk) {
      if (!levels)
        keep_chunk(block, job, chunk);
      else if (q.alphabet.paired)
        encode_bound_chunk_of_block<true>(block, job, q, grid, chunk, *m);
      else
        encode_bound_chunk_of_block<false>(block, job, q, grid, chunk, *m);
    }
  });
  EXPECT_TRUE(payload.intact());
  return payload;
}

inline Buffer walk_bound_decode(const Buffer& payload, int64_t numel, DType dtype) {
  using namespace cinch::codec;
  Buffer out(numel * dtype_bytes(dtype));
  const Slots slots = bound_slots_of(payload.size(), numel);
  Grid grid;
  const BoundQuantiser q = stored_quantiser(payload.data(), slots, &grid);
  with_kernel_type(dtype, [&](auto zero) {
    using T = decltype(zero);
    const auto m = block_memory<BoundDecodeMemory>();
    const ChunkHostBlock block{m->draws, kDrawWords};
    const SlotsJob<T> job{payload.data(), slots, reinterpret_cast<T*>(out.data())};
    if (!fit_grid(grid, numel)) return put_nan(block, job.out, numel);
    make_decode_table(block, reinterpret_cast<const uint32_t*>(payload.data() + lengths_offset()), m->making, m->table);
    for (int64_t chunk = 0; chunk < slots.chunks(); ++chunk) {
      if (q.alphabet.paired)
        decode_bound_chunk_of_block<true>(block, job, q, grid, chunk, static_cast<int>(chunk % 4), *m);
      else
        decode_bound_chunk_of_block<false>(block, job, q, grid, chunk, static_cast<int>(chunk % 4), *m);
    }
  });
  EXPECT_TRUE(out.intact());
  return out;
}

}  // namespace cinch::testing
