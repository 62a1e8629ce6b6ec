// A block decodes a chunk of a payload in slots: eight lanes its streams, then each warp the values of one.
#pragma once

#include "src/codec/entropy_coded/block_code.h"
#include "src/codec/entropy_coded/warp_values.h"

namespace cinch::codec {

struct StreamMarks {
  uint32_t literals, raws;
};

struct SlotDecodeMemory {
  uint32_t draws[kStreams * kDrawWords];  // scratch of the warps
  uint32_t table[kWindow];
  StreamMarks counts[kStreams];
  union {
    DecodeMemory making;  // of the table
    // Four letters to a word. An odd distance: streams that advance together are in different banks.
    uint32_t letters[kStreams][kGroupsOfStream * kLetterGroup / 4 + 1];
  };
};

template <class T, class B>
CINCH_DEVICE_FN void put_nan(const B& b, T* out, int64_t count) {
  b.each([&](int i) {
    for (int64_t at = i; at < count; at += B::kThreads) put_raw(out + at, 0x7fc00000u);
  });
}

// A warp's words of letters in a chunk.
template <bool kPaired>
CINCH_DEVICE_FN int letter_words(const ChunkPlace& place, int stream) {
  return (place.end(stream) - place.begin(stream)) * (LetterLanes<kPaired>::kLetters / 4);
}

// Letters of a coded chunk into the block's memory, literals in their places; then m.counts has the raw values of each
// stream where parts.literal_count > 0. `reader` is the warp that decodes the streams: blocks of one processor that
// take different ones do not wait for the same scheduler.
template <bool kPaired, class B>
CINCH_DEVICE_FN void decode_letters_of_block(const B& b, const std::byte* slot, int64_t slot_bytes,
                                             const ChunkPlace& place, const ChunkParts& parts, const Alphabet& q,
                                             int reader, SlotDecodeMemory& m) {
  // Every line of the streams into the caches at once: eight lanes in step would wait for each other's misses. The
  // values go to memory that nobody uses now, so that they are loaded at all.
  b.each([&](int i) {
    for (uint32_t at = static_cast<uint32_t>(i) * 128; at < parts.literals; at += B::kThreads * 128)
      m.draws[i] = *reinterpret_cast<const uint32_t*>(slot + at);
  });
  b.warps([&](const auto& w, int warp) {
    if (warp != reader) return;
    w.each([&](int lane) {
      if (lane < kStreams)
        decode_stream(reinterpret_cast<const uint32_t*>(slot), static_cast<int>(slot_bytes / 4),
                      static_cast<int>(ChunkParts::stream(slot, slot_bytes, lane)), m.table, m.letters[lane],
                      letter_words<kPaired>(place, lane));
    });
  });
  b.sync();
  if (parts.literal_count == 0) return;
  b.warps([&](const auto& w, int stream) {
    const uint32_t marks = count_marks(w, m.letters[stream], letter_words<kPaired>(place, stream), q.literal());
    w.each([&](int lane) {
      if (lane == 0) m.counts[stream].literals = marks;
    });
  });
  b.sync();
  b.warps([&](const auto& w, int stream) {
    uint32_t next = 0;
    for (int s = 0; s < stream; ++s) next += m.counts[s].literals;
    const uint32_t raws =
        place_literals(w, m.letters[stream], letter_words<kPaired>(place, stream), q, slot, parts, next);
    w.each([&](int lane) {
      if (lane == 0) m.counts[stream].raws = raws;
    });
  });
  b.sync();
}

// Raw values of the streams before.
CINCH_DEVICE_FN uint32_t raws_before(const SlotDecodeMemory& m, const ChunkParts& parts, int stream) {
  uint32_t raw = 0;
  if (parts.literal_count > 0)
    for (int s = 0; s < stream; ++s) raw += m.counts[s].raws;
  return raw;
}

// Of a chunk stored as it is, as many as the slot has.
template <class T, class B>
CINCH_DEVICE_FN void put_stored(const B& b, const std::byte* slot, int64_t slot_bytes, int64_t count, T* out) {
  const int64_t there = (slot_bytes - static_cast<int64_t>(sizeof(ChunkHeader))) / static_cast<int64_t>(sizeof(T));
  const auto* values = reinterpret_cast<const T*>(slot + sizeof(ChunkHeader));
  b.each([&](int i) {
    for (int64_t at = i; at < std::min(count, there); at += B::kThreads) out[at] = values[at];
  });
}

// One chunk from its slot to values. Every thread of the block is there.
template <bool kPaired, class T, class B, class Channels = NoChannels>
CINCH_DEVICE_FN void decode_chunk_of_block(const B& b, const SlotsJob<T>& job, const ValueSteps& q, int64_t chunk,
                                           int reader, SlotDecodeMemory& m, const Channels& channels = {}) {
  static_assert(B::kWarps == kStreams);
  const ChunkPlace place = ChunkPlace::of(job.slots, chunk);
  const std::byte* slot = job.payload + job.slots.begin(chunk);
  const int64_t slot_bytes = job.slots.bytes(chunk);
  const uint16_t kind = reinterpret_cast<const uint16_t*>(slot)[kStreams + 1];
  if (kind == kCoarse) {
    b.warps([&](const auto& w, int stream) { put_coarse_values(w, job, place, stream, slot); });
    return;
  }
  if (kind == kVerbatim)
    return put_stored(b, slot, slot_bytes, place.values, job.out + place.first_group * kLetterGroup);
  const ChunkParts parts = ChunkParts::of(slot, slot_bytes, q.raw_bytes);
  decode_letters_of_block<kPaired>(b, slot, slot_bytes, place, parts, q, reader, m);
  const auto row = channels.row(place.first_group * kLetterGroup);
  b.warps([&](const auto& w, int stream) {
    put_values<kPaired>(w, job, q, place, stream, row, m.letters[stream], slot, parts, raws_before(m, parts, stream));
  });
  b.sync();  // the next chunk overwrites the block's memory
}

}  // namespace cinch::codec
