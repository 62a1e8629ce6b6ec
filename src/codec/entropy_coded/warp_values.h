// What lanes and warps do to decode a stream of a chunk: letters from its bits, literals in their places, values.
#pragma once

#include "src/codec/entropy_coded/chunk_place.h"
#include "src/codec/entropy_coded/prefix_code.h"
#include "src/codec/entropy_coded/warp_coarse.h"
#include "src/codec/entropy_coded/warp_deviations.h"

namespace cinch::codec {

template <class T>
struct SlotsJob {
  const std::byte* payload;
  Slots slots;
  T* out;
};

// A quantiser with what follows from it.
struct ValueSteps : Quantiser {
  FromSymbols from;
  static CINCH_DEVICE_FN ValueSteps of(const Quantiser& q) { return {q, from_symbols(q)}; }
};

// Letters of a stream that begins at byte `begin` of a slot. Reads nothing but words of the slot, whatever they hold.
CINCH_DEVICE_FN void decode_stream(const uint32_t* slot, int slot_words, int begin, const uint32_t* table,
                                   uint32_t* letters, int words) {
  int next = begin / 4;
  // Behind the slot its last word over and over: a choice between two values would wait for the one that is loaded.
  const auto load = [&] { return slot[std::min(next++, slot_words - 1)]; };
  const int shift = begin % 4 * 8;
  uint64_t window = load();
  window = (window | uint64_t{load()} << 32) >> shift;
  int valid = 64 - shift;
  uint32_t ahead = load();  // asked for long before it is needed
  uint64_t pending = 0;
  uint32_t filled = 0;
  for (int done = 0; done < words;) {
    if (valid <= 32) {
      window |= uint64_t{ahead} << valid;
      valid += 32;
      ahead = load();
    }
    CINCH_UNROLL
    for (int k = 0; k < 2; ++k) {  // 22 bits at most, and there are 32
      const uint32_t entry = table[static_cast<uint32_t>(window) & (kWindow - 1u)], used = entry >> 24 & 15u;
      window >>= used;
      valid -= static_cast<int>(used);
      pending |= uint64_t{entry & 0xffffffu} << filled;
      filled += entry >> 28 << 3;
      if (filled < 32) continue;
      if (done < words) letters[done] = static_cast<uint32_t>(pending);
      ++done;
      pending >>= 32;
      filled -= 32;
    }
  }
}

// Where the parts of a chunk are, all of them within its slot.
struct ChunkParts {
  uint32_t literals, raws;  // begin
  uint32_t literal_count, raw_count;

  // Where stream `which` begins; kStreams: where the last one ends.
  static CINCH_DEVICE_FN uint32_t stream(const std::byte* slot, int64_t slot_bytes, int which) {
    const auto* bytes = reinterpret_cast<const uint16_t*>(slot);
    uint32_t at = sizeof(ChunkHeader);
    CINCH_UNROLL
    for (int s = 0; s < kStreams; ++s) at += s < which ? bytes[s] : 0;
    return std::min(at, static_cast<uint32_t>(slot_bytes));
  }

  static CINCH_DEVICE_FN ChunkParts of(const std::byte* slot, int64_t slot_bytes, int raw_bytes) {
    const auto* halves = reinterpret_cast<const uint16_t*>(slot);
    const auto limit = static_cast<uint32_t>(slot_bytes);
    ChunkParts parts;
    parts.literals = stream(slot, slot_bytes, kStreams);
    parts.literal_count = std::min<uint32_t>(halves[kStreams], limit - parts.literals);
    parts.raws = parts.literals + parts.literal_count;
    parts.raw_count = std::min<uint32_t>(halves[kStreams + 1], (limit - parts.raws) / static_cast<uint32_t>(raw_bytes));
    return parts;
  }
};

CINCH_DEVICE_FN uint32_t marks_in(uint32_t letters, uint8_t literal) {
  uint32_t marks = 0;
  CINCH_UNROLL
  for (int i = 0; i < kRun; ++i) marks += (letters >> (8 * i) & 0xffu) == literal ? 1 : 0;
  return marks;
}

// How many of a warp's letters are marks.
template <class W>
CINCH_DEVICE_FN uint32_t count_marks(const W& w, const uint32_t* letters, int words, uint8_t literal) {
  typename W::template Var<uint32_t> marks;
  w.each([&](int lane) {
    marks[lane] = 0;
    for (int i = lane; i < words; i += kLanes) marks[lane] += marks_in(letters[i], literal);
  });
  return w.last(w.sum_up_to(marks));
}

// Puts literals, from number `next` on, where their marks are. Returns the raw values that they stand for.
template <class W>
CINCH_DEVICE_FN uint32_t place_literals(const W& w, uint32_t* letters, int words, const Alphabet& q,
                                        const std::byte* slot, const ChunkParts& parts, uint32_t next) {
  typename W::template Var<uint32_t> raws;
  w.each([&](int lane) { raws[lane] = 0; });
  for (int begin = 0; begin < words; begin += kLanes) {
    typename W::template Var<uint32_t> marks;
    w.each([&](int lane) { marks[lane] = marks_in(letters[begin + lane], q.literal()); });
    const auto up_to = w.sum_up_to(marks);
    w.each([&](int lane) {
      if (marks[lane] == 0) return;
      uint32_t word = letters[begin + lane], number = next + up_to[lane] - marks[lane];
      for (int i = 0; i < kRun; ++i) {
        if ((word >> (8 * i) & 0xffu) != q.literal()) continue;
        if (number < parts.literal_count) {
          const auto letter = std::to_integer<uint32_t>(slot[parts.literals + number]);
          word = (word & ~(0xffu << (8 * i))) | letter << (8 * i);
        }
        ++number;
      }
      letters[begin + lane] = word;
      raws[lane] += raws_in_word(q, word);
    });
    next += w.last(up_to);
  }
  return w.last(w.sum_up_to(raws));
}

// A raw value came from this type: the conversion is exact, infinities included.
CINCH_DEVICE_FN void put_raw(float* out, uint32_t bits) { *out = std::bit_cast<float>(bits); }
CINCH_DEVICE_FN void put_raw(Bf16* out, uint32_t bits) { out->bits = float_to_bf16(std::bit_cast<float>(bits)); }
CINCH_DEVICE_FN void put_raw(Fp16* out, uint32_t bits) { out->bits = float_to_fp16(std::bit_cast<float>(bits)); }

// Raw values of a lane's letters, from number `next` on, over what was written in their places.
template <bool kPaired, class T>
CINCH_DEVICE_FN void put_raws_of_lane(T* group, int element, int count, uint32_t letters, const Alphabet& q,
                                      const std::byte* slot, const ChunkParts& parts, uint32_t next) {
  for (int i = 0; i < kRun; ++i) {
    const uint32_t letter = letters >> (8 * i) & 0xffu;
    for (int row = 0; row < LetterLanes<kPaired>::kRows; ++row) {
      const uint32_t symbol = !kPaired ? letter : row == 0 ? letter & 15u : letter >> 4;
      if (symbol != static_cast<uint32_t>(q.raw_symbol())) continue;
      const int at = element + row * kColumns16 + i;
      if (next < parts.raw_count && at < count) {
        uint32_t bits = 0;
        for (int k = 0; k < 4; ++k) bits |= std::to_integer<uint32_t>(slot[parts.raws + next * 4 + k]) << (8 * k);
        put_raw(group + at, bits);
      }
      ++next;
    }
  }
}

// Values of a stream from its letters; `raw` is the number of its first raw value. `channels`: a row of them from the
// chunk's first value on.
template <bool kPaired, class T, class W, class Row>
CINCH_DEVICE_FN void put_values(const W& w, const SlotsJob<T>& job, const ValueSteps& q, const ChunkPlace& place,
                                int stream, const Row& channels, const uint32_t* letters, const std::byte* slot,
                                const ChunkParts& parts, uint32_t raw) {
  using Lanes = LetterLanes<kPaired>;
  const FromSymbols& from = q.from;
  const bool aligned = is_run_aligned(job.out);
  const int begin = place.begin(stream), end = place.end(stream);
  for (int first = begin; first < end; first += 2) {
    if (q.dithered) make_two_draws(w, q.key, place.first_group + first, place.first_group + first + 1);
    CINCH_UNROLL
    for (int g = 0; g < 2; ++g) {
      const int group = first + g;
      if (group >= end) break;
      T* to = job.out + (place.first_group + group) * kLetterGroup;
      const int count = place.count(group);
      CINCH_UNROLL
      for (int half = 0; half < Lanes::kHalves; ++half) {
        const uint32_t* words = letters + ((group - begin) * Lanes::kHalves + half) * kLanes;
        w.each([&](int lane) {
          const int row = Lanes::row(lane, half), column = Lanes::column(lane);
          Chunk draws{};
          if (q.dithered) draws = draws_of(w.scratch, g, row, column);
          LetterValues<kPaired> x = values_of<kPaired>(from, words[lane], draws, row);
          CINCH_UNROLL
          for (int r = 0; r < Lanes::kRows; ++r) {
            const int element = (row + r) * kColumns16 + column;
            channels.from_deviations(static_cast<int>(kLetterGroup) * group + element, x.at[r]);
            store_run(to, element, count, aligned, x.at[r]);
          }
        });
        if (parts.raw_count == 0) continue;
        typename W::template Var<uint32_t> raws;
        w.each([&](int lane) { raws[lane] = raws_in_word(q, words[lane]); });
        const auto up_to = w.sum_up_to(raws);
        w.each([&](int lane) {
          if (raws[lane] == 0) return;
          put_raws_of_lane<kPaired>(to, Lanes::row(lane, half) * kColumns16 + Lanes::column(lane), count, words[lane],
                                    q, slot, parts, raw + up_to[lane] - raws[lane]);
        });
        raw += w.last(up_to);
      }
    }
  }
}

template <class T, class W>
CINCH_DEVICE_FN void put_coarse_values(const W& w, const SlotsJob<T>& job, const ChunkPlace& place, int stream,
                                       const std::byte* slot) {
  using Lanes = LetterLanes<true>;
  const bool aligned = is_run_aligned(job.out);
  const int bits = coarse_bits(job.slots.group_bytes), end = place.end(stream);
  w.each([&](int lane) {
    for (int group = place.begin(stream); group < end; ++group) {
      const LetterValues<true> x = decode_coarse(slot, place.groups, group, bits, lane);
      T* to = job.out + (place.first_group + group) * kLetterGroup;
      for (int row = 0; row < 2; ++row)
        store_run(to, (Lanes::row(lane, 0) + row) * kColumns16 + Lanes::column(lane), place.count(group), aligned,
                  x.at[row]);
    }
  });
}

}  // namespace cinch::codec
