// The widths of all groups with average_bits, by a block of threads: everything of a small tensor, and what must be one
// block's of a large one.
#pragma once

#include "src/codec/fixed_rate/warp_widths.h"

namespace cinch::codec {

// Sums of chunks become those of all chunks before.
template <class B>
CINCH_DEVICE_FN void add_up_chunks(const B& b, ChunkSums* chunk_sums, int64_t chunks,
                                   BlockSums<B::kThreads, ChunkSums>& sums) {
  const int64_t own = ceil_div(chunks, B::kThreads);
  const auto end_of = [&](int i) { return (i + 1) * own < chunks ? (i + 1) * own : chunks; };
  b.each([&](int i) {
    ChunkSums sum{};
    for (int64_t chunk = i * own; chunk < end_of(i); ++chunk) sum += chunk_sums[chunk];
    sums.own[i] = sum;
  });
  add_up_before(b, sums);
  b.each([&](int i) {
    ChunkSums sum = sums.before[i];
    for (int64_t chunk = i * own; chunk < end_of(i); ++chunk) {
      const ChunkSums next = chunk_sums[chunk];
      chunk_sums[chunk] = sum;
      sum += next;
    }
  });
  b.sync();
}

// What a block needs, one after the other.
template <int kThreads>
struct CountMemory {
  uint32_t words[RangeCounts<2>::kWords];
  BlockSums<kThreads, uint32_t> sums;
};
template <int kThreads>
struct AllotMemory {
  Threshold thresholds[kRaiseCount];
  union {
    CountMemory<kThreads> counts;
    BlockSums<kThreads, ChunkSums> chunks;
  };
};

// Groups of a tensor whose ranges one block counts in its own memory.
constexpr int64_t kGroupsOfOneBlock = 8192;
static_assert(kGroupsOfOneBlock < 1 << RangeCounts<2>::kBits);

// From ranges to widths and offsets. `job`: its thresholds are those of `m`. `units`: bits to be allotted.
template <class B>
CINCH_DEVICE_FN void allot_by_one_block(const B& b, const WidthsJob& job, int64_t units, AllotMemory<B::kThreads>& m) {
  const RangeCounts<2> counts{m.counts.words};
  b.each([&](int i) {
    for (int at = i; at < RangeCounts<2>::kWords; at += B::kThreads) m.counts.words[at] = 0;
  });
  b.sync();
  b.each([&](int i) {
    for (int64_t g = i; g < job.groups; g += B::kThreads) {
      const uint32_t range = job.to.sides[g].step;
      if (range != 0) counts.add(b, range);
    }
  });
  b.sync();
  add_up_counts(b, counts, m.counts.sums);
  find_thresholds_of_block(b, counts, units, m.thresholds);
  const int64_t chunks = ceil_div(job.groups, kAverageChunk);
  b.warps([&](const auto& w, int warp) {
    for (int64_t chunk = warp; chunk < chunks; chunk += B::kWarps) sum_up_chunk(w, job, chunk);
  });
  b.sync();
  add_up_chunks(b, job.sums, chunks, m.chunks);
  b.warps([&](const auto& w, int warp) {
    for (int64_t chunk = warp; chunk < chunks; chunk += B::kWarps) put_widths(w, job, chunk);
  });
}

}  // namespace cinch::codec
