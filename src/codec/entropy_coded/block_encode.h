// A block codes a chunk: a warp a stream, all of them at once. The bytes are those of encode_chunk(); a chunk that does
// not fit its slot becomes coarser.
#pragma once

#include "src/codec/entropy_coded/warp_stream.h"

namespace cinch::codec {

// What a chunk becomes, by what its streams came to.
struct ChunkForm {
  uint32_t streams = 0, literals = 0, raws = 0;  // of all of them
  int64_t bytes = 0;
  int padding = 0;  // of these
  bool verbatim = false, coarse = false;
};
CINCH_DEVICE_FN ChunkForm form_of(const StreamCounts* counts, const ChunkPlace& place, int64_t width,
                                  const Slots& slots) {
  ChunkForm form;
  for (int s = 0; s < kStreams; ++s) {
    form.streams += counts[s].bytes;
    form.literals += counts[s].literals;
    form.raws += counts[s].raws;
  }
  const int64_t raw_bytes = int64_t{form.raws} * 4;
  const int64_t used = int64_t{sizeof(ChunkHeader)} + form.streams + form.literals + raw_bytes;
  const int64_t most = int64_t{sizeof(ChunkHeader)} + place.values * width;
  form.verbatim = raw_bytes > kMostRawBytes || used > most;
  const int64_t unpadded = form.verbatim ? most : used;
  form.bytes = (unpadded + kChunkAlignment - 1) / kChunkAlignment * kChunkAlignment;
  form.padding = static_cast<int>(form.bytes - unpadded);
  form.coarse = form.bytes > Slots::kFixed + place.groups * slots.group_bytes;
  if (form.coarse) form.bytes = coarse_bytes(place.groups, coarse_bits(slots.group_bytes)), form.padding = 0;
  return form;
}

// Header, size, and zeros behind the chunk. Sizes of 4 bytes.
template <class B>
CINCH_DEVICE_FN void put_chunk_header(const B& b, const StreamCounts* counts, const ChunkForm& form, const Slots& slots,
                                      int64_t chunk, std::byte* payload) {
  std::byte* slot = payload + slots.begin(chunk);
  b.each([&](int i) {
    if (i == 0)
      reinterpret_cast<uint32_t*>(payload + ends_offset())[chunk] = static_cast<uint32_t>(form.bytes / kChunkAlignment);
    auto* halves = reinterpret_cast<uint16_t*>(slot);
    if (i < kStreams) halves[i] = form.verbatim || form.coarse ? 0 : static_cast<uint16_t>(counts[i].bytes);
    if (i == kStreams)
      halves[i] = form.coarse     ? static_cast<uint16_t>(coarse_bits(slots.group_bytes))
                  : form.verbatim ? 0
                                  : static_cast<uint16_t>(form.literals);
    if (i == kStreams + 1)
      halves[i] = form.coarse ? kCoarse : form.verbatim ? kVerbatim : static_cast<uint16_t>(form.raws);
    // Up to three bytes of padding, then what the slot has beside the chunk.
    if (i < form.padding) slot[form.bytes - form.padding + i] = std::byte{0};
    for (int64_t at = form.bytes + i * 4; at < slots.bytes(chunk); at += B::kThreads * 4)
      *reinterpret_cast<uint32_t*>(slot + at) = 0;
  });
}

// The second pass of a warp: its stream, its literals and its raw values go where those of the streams before end.
template <bool kPaired, class T, class W>
CINCH_DEVICE_FN void put_stream(const W& w, const ChunksJob<T>& job, const Steps& q, const ChunkPlace& place,
                                int stream, const ChunkForm& form, const EncodeMemory& m, std::byte* slot) {
  StreamCounts before{0, 0, 0};
  for (int s = 0; s < stream; ++s) {
    before.bytes += m.counts[s].bytes;
    before.literals += m.counts[s].literals;
    before.raws += m.counts[s].raws;
  }
  const auto header = static_cast<uint32_t>(sizeof(ChunkHeader));
  put_bytes(w, m.streams[stream], static_cast<int>(m.counts[stream].bytes), slot,
            static_cast<int>(header + before.bytes));
  const uint32_t with_literals = m.streams[stream][kStreamWords - 1];
  const uint32_t literals = header + form.streams, raws = literals + form.literals;
  if (with_literals != 0)
    put_literals<kPaired>(w, job, q, place, stream, with_literals, m.table, slot + literals + before.literals,
                          slot + raws + before.raws * 4);
}

// One chunk from values to its slot. Every thread of the block is there.
template <bool kPaired, class T, class B>
CINCH_DEVICE_FN void encode_chunk_of_block(const B& b, const ChunksJob<T>& job, const Steps& q, int64_t chunk,
                                           EncodeMemory& m) {
  static_assert(B::kWarps == kStreams);
  const ChunkPlace place = ChunkPlace::of(job.slots, chunk);
  std::byte* slot = job.payload + job.slots.begin(chunk);
  b.warps([&](const auto& w, int stream) {
    const uint32_t with_literals = code_stream<kPaired>(w, job, q, place, stream, m);
    w.each([&](int lane) {
      // Behind the stream, where nothing else is.
      if (lane == 0) m.streams[stream][kStreamWords - 1] = with_literals;
    });
  });
  b.sync();
  const ChunkForm form = form_of(m.counts, place, static_cast<int64_t>(sizeof(T)), job.slots);
  put_chunk_header(b, m.counts, form, job.slots, chunk, job.payload);
  if (form.coarse) {
    b.warps([&](const auto& w, int stream) {
      if (stream == 0) w.count(job.coarsened);
      put_coarse(w, job, q, place, stream, slot);
    });
  } else if (form.verbatim) {
    b.warps([&](const auto& w, int warp) {
      put_verbatim(w, job.in + place.first_group * kLetterGroup, place.values, warp, slot + sizeof(ChunkHeader));
    });
  } else {
    b.warps([&](const auto& w, int stream) { put_stream<kPaired>(w, job, q, place, stream, form, m, slot); });
  }
  b.sync();  // the next chunk overwrites the block's memory
}

// Of a tensor that nothing could be fitted to: empty chunks.
template <class B>
CINCH_DEVICE_FN void skip_chunk(const B& b, const Slots& slots, int64_t chunk, std::byte* payload, uint32_t* poisoned) {
  ChunkForm form;
  form.verbatim = true;
  form.bytes = int64_t{sizeof(ChunkHeader)};
  put_chunk_header(b, nullptr, form, slots, chunk, payload);
  b.warps([&](const auto& w, int warp) {
    if (warp == 0) w.count(poisoned);
  });
}

}  // namespace cinch::codec
