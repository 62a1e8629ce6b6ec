// A block codes a chunk of error_bound. The bytes are those of encode_bound_chunk(); a chunk that does not fit its slot
// takes the plain form, which keeps the bound, or the coarser one of dither where that is what it is.
#pragma once

#include "src/codec/entropy_coded/block_encode.h"
#include "src/codec/entropy_coded/bound_slots.h"
#include "src/codec/entropy_coded/warp_plain.h"

namespace cinch::codec {

struct BoundEncodeMemory : EncodeMemory {
  uint32_t missed[kStreams];  // values that no level holds
};

namespace detail {

// Values of the streams before one, or of all.
CINCH_DEVICE_FN uint32_t missed_before(const BoundEncodeMemory& m, int stream) {
  uint32_t missed = 0;
  for (int s = 0; s < stream; ++s) missed += m.missed[s];
  return missed;
}

// The first pass of a warp: the stream's bits, and which of its groups have literals, which have missed values.
template <bool kPaired, class T, class W>
CINCH_DEVICE_FN void code_bound_stream(const W& w, const LevelRow<T>& row, const Alphabet& q, const ChunkPlace& place,
                                       int stream, BoundEncodeMemory& m) {
  const int begin = place.begin(stream), end = place.end(stream);
  uint32_t with_missed = 0;
  const uint32_t with_literals = code_stream<kPaired>(w, q, place, stream, m, [&](auto visit) {
    CINCH_ROLLED
    for (int group = begin; group < end; ++group) {
      CINCH_ROLLED
      for (int half = 0; half < LetterLanes<kPaired>::kHalves; ++half) {
        typename W::template Var<uint32_t> letters;
        typename W::template Var<bool> missed;
        w.each([&](int lane) {
          missed[lane] = false;
          letters[lane] =
              letters_of_row<kPaired>(row, q, static_cast<uint32_t>(group * kLetterGroup), lane, half, missed[lane]);
        });
        if (w.any(missed)) with_missed |= 1u << (group - begin);
        visit(group, half, letters);
      }
    }
  });
  uint32_t missed = 0;
  CINCH_ROLLED
  for (uint32_t left = with_missed; left != 0; left &= left - 1)
    missed += count_missed(w, row, begin + static_cast<int>(std::countr_zero(left)));
  w.each([&](int lane) {
    if (lane != 0) return;
    // Behind the stream, where nothing else is.
    m.streams[stream][kStreamWords - 1] = with_literals | with_missed << 16;
    m.missed[stream] = missed;
  });
}
static_assert(kGroupsOfStream <= 16);

// The second pass: all that a stream has, to its places.
template <bool kPaired, class T, class W>
CINCH_DEVICE_FN void put_bound_stream(const W& w, const LevelRow<T>& row, const Alphabet& q, const ChunkPlace& place,
                                      int stream, const ChunkForm& form, const BoundEncodeMemory& m, std::byte* slot) {
  const StreamPlaces at = StreamPlaces::of<kIntegerBytes>(m.counts, form, stream);
  put_bytes(w, m.streams[stream], static_cast<int>(m.counts[stream].bytes), slot, static_cast<int>(at.bits));
  const uint32_t sets = m.streams[stream][kStreamWords - 1];
  const int begin = place.begin(stream);
  if ((sets & 0xffffu) != 0)
    put_literals<kPaired, kIntegerBytes>(
        w, q, begin, sets & 0xffffu, m.table, slot + at.literals, slot + at.raws,
        [](int group) { return static_cast<uint32_t>(group * kLetterGroup); },
        [&](uint32_t first, int, int half) {
          typename W::template Var<uint32_t> letters;
          w.each([&](int lane) {
            bool missed = false;
            letters[lane] = letters_of_row<kPaired>(row, q, first, lane, half, missed);
          });
          return letters;
        },
        [&](uint32_t first, int element) {
          return static_cast<uint32_t>(row.integer(first + static_cast<uint32_t>(element)));
        });
  const uint32_t behind =
      static_cast<uint32_t>(sizeof(ChunkHeader)) + form.streams + form.literals + form.raws * kIntegerBytes;
  put_missed(w, row, begin, sets >> 16, missed_before(m, stream), missed_before(m, kStreams), slot + behind);
}

// Sides of a warp's groups go where they belong at once: every slot has room for them. m.counts then has the bytes of
// codes, m.missed what no level holds.
template <class T, class W>
CINCH_DEVICE_FN void measure_plain(const W& w, const LevelRow<T>& row, const ChunkPlace& place, int stream,
                                   BoundEncodeMemory& m, std::byte* slot) {
  const int begin = place.begin(stream), groups_end = place.end(stream);
  uint32_t bytes = 0, missed = 0, with_missed = 0;
  CINCH_ROLLED
  for (int group = begin; group < groups_end; ++group) {
    const PlainGroup side = plain_group(w, row, group);
    const uint32_t here = count_missed(w, row, group);
    bytes += static_cast<uint32_t>(plain_bytes(side.bits));
    missed += here;
    if (here > 0) with_missed |= 1u << (group - begin);
    w.each([&](int lane) {
      if (lane == 0) reinterpret_cast<PlainGroup*>(slot + kPlainHeader)[group] = side;
    });
  }
  w.each([&](int lane) {
    if (lane != 0) return;
    m.counts[stream].bytes = bytes;
    m.missed[stream] = missed;
    m.streams[stream][kStreamWords - 1] = with_missed;
  });
}

template <class T, class W>
CINCH_DEVICE_FN void put_plain(const W& w, const LevelRow<T>& row, const ChunkPlace& place, int stream,
                               const BoundEncodeMemory& m, std::byte* slot) {
  const int begin = place.begin(stream), groups_end = place.end(stream);
  int at = plain_codes(place.groups), end = at;
  for (int s = 0; s < kStreams; ++s) {
    at += s < stream ? static_cast<int>(m.counts[s].bytes) : 0;
    end += static_cast<int>(m.counts[s].bytes);
  }
  CINCH_ROLLED
  for (int group = begin; group < groups_end; ++group) {
    const PlainGroup side = reinterpret_cast<const PlainGroup*>(slot + kPlainHeader)[group];
    put_plain_codes(w, row, group, side, slot + at);
    at += plain_bytes(side.bits);
  }
  put_missed(w, row, begin, m.streams[stream][kStreamWords - 1], missed_before(m, stream), missed_before(m, kStreams),
             slot + end);
}

// Of a chunk that fits neither coded nor verbatim.
template <class T, class B>
CINCH_DEVICE_FN void put_plain_or_nothing(const B& b, const ChunksJob<T>& job, const LevelRow<T>& row,
                                          const ChunkPlace& place, int64_t chunk, BoundEncodeMemory& m) {
  std::byte* slot = job.payload + job.slots.begin(chunk);
  b.sync();  // everybody knows what the coded form came to
  b.warps([&](const auto& w, int stream) { measure_plain(w, row, place, stream, m, slot); });
  b.sync();
  int used = plain_codes(place.groups) + static_cast<int>(missed_before(m, kStreams)) * (2 + int{sizeof(T)});
  for (int s = 0; s < kStreams; ++s) used += static_cast<int>(m.counts[s].bytes);
  constexpr int kUnit = static_cast<int>(kChunkAlignment);
  ChunkForm form;
  form.other = true;
  form.bytes = (used + kUnit - 1) / kUnit * kUnit;
  form.padding = form.bytes - used;
  const bool fits = form.bytes <= job.slots.bytes(chunk);
  if (!fits) form.bytes = kPlainHeader, form.padding = 0;
  put_chunk_header(b, nullptr, form, job.slots, chunk, fits ? kPlainForm : kLostForm, job.payload);
  b.warps([&](const auto& w, int stream) {
    if (fits) put_plain(w, row, place, stream, m, slot);
    if (!fits && stream == 0) w.count(job.poisoned);
  });
}

}  // namespace detail

// One chunk from values to its slot. Every thread of the block is there.
template <bool kPaired, class T, class B>
CINCH_DEVICE_FN void encode_bound_chunk_of_block(const B& b, const ChunksJob<T>& job, const BoundQuantiser& q,
                                                 const Grid& grid, int64_t chunk, BoundEncodeMemory& m) {
  static_assert(B::kWarps == kStreams);
  const ChunkPlace place = ChunkPlace::of(job.slots, chunk);
  const int64_t first = place.first_group * kLetterGroup;
  const LevelRow<T> row{job.in + first, static_cast<uint32_t>(place.values), LevelSteps::of(levels_at(q, first)),
                        ChunkAxes::of(grid, first), q.lorenzo};
  std::byte* slot = job.payload + job.slots.begin(chunk);
  b.warps([&](const auto& w, int stream) { detail::code_bound_stream<kPaired>(w, row, q.alphabet, place, stream, m); });
  b.sync();
  const int missed = static_cast<int>(detail::missed_before(m, kStreams));
  ChunkForm form = form_of(m.counts, place, int{sizeof(T)}, job.slots, kIntegerBytes, missed * (2 + int{sizeof(T)}));
  if (form.other && !q.dithered) {
    detail::put_plain_or_nothing(b, job, row, place, chunk, m);
  } else {
    if (form.other) make_coarse(place, job.slots, form);
    put_chunk_header(b, m.counts, form, job.slots, chunk, coarse_bits(job.slots.group_bytes), job.payload);
    if (form.other) {
      b.warps([&](const auto& w, int stream) {
        if (stream == 0) w.count(job.coarsened);
        put_coarse(w, job, q.key, place, stream, slot);
      });
    } else if (form.verbatim) {
      b.warps([&](const auto& w, int warp) {
        put_verbatim(w, job.in + first, place.values, warp, slot + sizeof(ChunkHeader));
      });
    } else {
      b.warps([&](const auto& w, int stream) {
        detail::put_bound_stream<kPaired>(w, row, q.alphabet, place, stream, form, m, slot);
      });
    }
  }
  b.sync();  // the next chunk overwrites the block's memory
}

// Of a tensor without levels: as it is, where the slot has room for that.
template <class T, class B>
CINCH_DEVICE_FN void keep_chunk(const B& b, const ChunksJob<T>& job, int64_t chunk) {
  const ChunkPlace place = ChunkPlace::of(job.slots, chunk);
  constexpr int kUnit = static_cast<int>(kChunkAlignment);
  const int used = static_cast<int>(sizeof(ChunkHeader)) + static_cast<int>(place.values) * int{sizeof(T)};
  ChunkForm form;
  form.verbatim = true;
  form.bytes = (used + kUnit - 1) / kUnit * kUnit;
  form.padding = form.bytes - used;
  form.other = form.bytes > job.slots.bytes(chunk);
  if (form.other) form.bytes = kPlainHeader, form.padding = 0;
  put_chunk_header(b, nullptr, form, job.slots, chunk, kLostForm, job.payload);
  std::byte* to = job.payload + job.slots.begin(chunk) + sizeof(ChunkHeader);
  b.warps([&](const auto& w, int warp) {
    if (!form.other) put_verbatim(w, job.in + place.first_group * kLetterGroup, place.values, warp, to);
    if (form.other && warp == 0) w.count(job.poisoned);
  });
}

}  // namespace cinch::codec
