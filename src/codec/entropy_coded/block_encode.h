// A block codes a chunk: a warp a stream, all of them at once. The bytes are those of encode_chunk(); a chunk that does
// not fit its slot becomes coarser.
#pragma once

#include "src/codec/entropy_coded/warp_stream.h"

namespace cinch::codec {

constexpr int kDitherRawBytes = 4;  // a raw value of dither is a float

// What a chunk becomes, by what its streams came to.
struct ChunkForm {
  uint32_t streams = 0, literals = 0, raws = 0;  // of all of them
  int bytes = 0;                                 // kChunkRoom at most
  int padding = 0;                               // of these
  bool verbatim = false;
  bool other = false;  // it fits its slot neither coded nor verbatim
};
// `more`: bytes that follow the raw values of a coded chunk.
CINCH_DEVICE_FN ChunkForm form_of(const StreamCounts* counts, const ChunkPlace& place, int width, const Slots& slots,
                                  int raw_width, int more) {
  ChunkForm form;
  for (int s = 0; s < kStreams; ++s) {
    form.streams += counts[s].bytes;
    form.literals += counts[s].literals;
    form.raws += counts[s].raws;
  }
  constexpr int kHeader = sizeof(ChunkHeader), kUnit = static_cast<int>(kChunkAlignment);
  const int raw_bytes = static_cast<int>(form.raws) * raw_width;
  const int used = kHeader + static_cast<int>(form.streams + form.literals) + raw_bytes + more;
  const int most = kHeader + static_cast<int>(place.values) * width;
  form.verbatim = raw_bytes > kMostRawBytes || used > most;
  const int unpadded = form.verbatim ? most : used;
  form.bytes = (unpadded + kUnit - 1) / kUnit * kUnit;
  form.padding = form.bytes - unpadded;
  form.other = form.bytes > Slots::kFixed + place.groups * slots.group_bytes;
  return form;
}
CINCH_DEVICE_FN void make_coarse(const ChunkPlace& place, const Slots& slots, ChunkForm& form) {
  const int bits = coarse_bits(slots.group_bytes);
  form.bytes = static_cast<int>(coarse_bytes(place.groups, bits));
  form.padding = 0;
}

// Header, size, and zeros behind the chunk. Sizes of 4 bytes.
template <class B>
CINCH_DEVICE_FN void put_chunk_header(const B& b, const StreamCounts* counts, const ChunkForm& form, const Slots& slots,
                                      int64_t chunk, int which, std::byte* payload) {
  std::byte* slot = payload + slots.begin(chunk);
  b.each([&](int i) {
    if (i == 0)
      reinterpret_cast<uint32_t*>(payload + ends_offset())[chunk] = static_cast<uint32_t>(form.bytes / kChunkAlignment);
    auto* halves = reinterpret_cast<uint16_t*>(slot);
    if (i < kStreams) halves[i] = form.verbatim || form.other ? 0 : static_cast<uint16_t>(counts[i].bytes);
    if (i == kStreams)
      halves[i] = form.other      ? static_cast<uint16_t>(which)
                  : form.verbatim ? uint16_t{0}
                                  : static_cast<uint16_t>(form.literals);
    if (i == kStreams + 1)
      halves[i] = form.other ? kCoarse : form.verbatim ? kVerbatim : static_cast<uint16_t>(form.raws);
    // Up to three bytes of padding, then what the slot has beside the chunk.
    if (i < form.padding) slot[form.bytes - form.padding + i] = std::byte{0};
    for (int64_t at = form.bytes + i * 4; at < slots.bytes(chunk); at += B::kThreads * 4)
      *reinterpret_cast<uint32_t*>(slot + at) = 0;
  });
}

// Where a stream's parts go: behind those of the streams before.
struct StreamPlaces {
  uint32_t bits, literals, raws;
  template <int kRawBytes>
  static CINCH_DEVICE_FN StreamPlaces of(const StreamCounts* counts, const ChunkForm& form, int stream) {
    StreamCounts before{0, 0, 0};
    for (int s = 0; s < stream; ++s) {
      before.bytes += counts[s].bytes;
      before.literals += counts[s].literals;
      before.raws += counts[s].raws;
    }
    const auto header = static_cast<uint32_t>(sizeof(ChunkHeader));
    const uint32_t literals = header + form.streams, raws = literals + form.literals;
    return {header + before.bytes, literals + before.literals, raws + before.raws * kRawBytes};
  }
};

// The second pass of a warp: its stream, its literals and its raw values go where those of the streams before end.
template <bool kPaired, class T, class W, class Row>
CINCH_DEVICE_FN void put_stream(const W& w, const ChunksJob<T>& job, const Steps& q, const ChunkPlace& place,
                                int stream, const Row& channels, const ChunkForm& form, const EncodeMemory& m,
                                std::byte* slot) {
  using Lanes = LetterLanes<kPaired>;
  const StreamPlaces at = StreamPlaces::of<kDitherRawBytes>(m.counts, form, stream);
  put_bytes(w, m.streams[stream], static_cast<int>(m.counts[stream].bytes), slot, static_cast<int>(at.bits));
  const uint32_t with_literals = m.streams[stream][kStreamWords - 1];
  if (with_literals == 0) return;
  put_literals<kPaired, kDitherRawBytes>(
      w, q, place.begin(stream), with_literals, m.table, slot + at.literals, slot + at.raws,
      [&](int group) {
        const int64_t in_tensor = place.first_group + group;
        if (q.dithered) make_two_draws(w, q.key, in_tensor, in_tensor);
        return job.in + in_tensor * kLetterGroup;
      },
      [&](const T* values, int group, int half) {
        typename W::template Var<uint32_t> letters;
        w.each([&](int lane) {
          const int row = Lanes::row(lane, half), column = Lanes::column(lane);
          Chunk draws{};
          if (q.dithered) draws = draws_of(w.scratch, 0, row, column);
          const auto x =
              deviations_of<kPaired>(channels, load_lane<kPaired>(values, place.count(group), false, lane, half),
                                     static_cast<int>(kLetterGroup) * group + row * kColumns16 + column);
          letters[lane] = letters_of<kPaired>(q.to, x, draws, row);
        });
        return letters;
      },
      [&](const T* values, int element) { return float_bits(values[element]); });
}

// One chunk from values to its slot. Every thread of the block is there.
template <bool kPaired, class T, class B, class Channels = NoChannels>
CINCH_DEVICE_FN void encode_chunk_of_block(const B& b, const ChunksJob<T>& job, const Steps& q, int64_t chunk,
                                           EncodeMemory& m, const Channels& channels = {}) {
  static_assert(B::kWarps == kStreams);
  const ChunkPlace place = ChunkPlace::of(job.slots, chunk);
  std::byte* slot = job.payload + job.slots.begin(chunk);
  const auto row = channels.row(place.first_group * kLetterGroup);
  b.warps([&](const auto& w, int stream) {
    const uint32_t with_literals = code_stream<kPaired>(
        w, q, place, stream, m, [&](auto visit) { visit_letters<kPaired>(w, job, q, place, stream, row, visit); });
    w.each([&](int lane) {
      // Behind the stream, where nothing else is.
      if (lane == 0) m.streams[stream][kStreamWords - 1] = with_literals;
    });
  });
  b.sync();
  ChunkForm form = form_of(m.counts, place, static_cast<int>(sizeof(T)), job.slots, kDitherRawBytes, 0);
  if (form.other) make_coarse(place, job.slots, form);
  put_chunk_header(b, m.counts, form, job.slots, chunk, coarse_bits(job.slots.group_bytes), job.payload);
  if (form.other) {
    b.warps([&](const auto& w, int stream) {
      if (stream == 0) w.count(job.coarsened);
      put_coarse(w, job, q.key, place, stream, slot);
    });
  } else if (form.verbatim) {
    b.warps([&](const auto& w, int warp) {
      put_verbatim(w, job.in + place.first_group * kLetterGroup, place.values, warp, slot + sizeof(ChunkHeader));
    });
  } else {
    b.warps([&](const auto& w, int stream) { put_stream<kPaired>(w, job, q, place, stream, row, form, m, slot); });
  }
  b.sync();  // the next chunk overwrites the block's memory
}

// Of a tensor that nothing could be fitted to: empty chunks.
template <class B>
CINCH_DEVICE_FN void skip_chunk(const B& b, const Slots& slots, int64_t chunk, std::byte* payload, uint32_t* poisoned) {
  ChunkForm form;
  form.verbatim = true;
  form.bytes = static_cast<int>(sizeof(ChunkHeader));
  put_chunk_header(b, nullptr, form, slots, chunk, 0, payload);
  b.warps([&](const auto& w, int warp) {
    if (warp == 0) w.count(poisoned);
  });
}

}  // namespace cinch::codec
