// What a warp does to code a stream of a chunk: its bits into the block's memory, then these, its literals and its raw
// values to their places in the slot. Where each letter's bits go follows from a sum over the lanes.
#pragma once

#include <bit>

#include "src/codec/entropy_coded/block_code.h"
#include "src/codec/entropy_coded/chunk_place.h"
#include "src/codec/entropy_coded/warp_coarse.h"
#include "src/codec/entropy_coded/warp_deviations.h"

namespace cinch::codec {

template <class T>
struct ChunksJob {
  const T* in;
  Slots slots;
  std::byte* payload;
  uint32_t* poisoned;   // counts what decodes to NaN: chunks, or groups of coarser ones
  uint32_t* coarsened;  // counts chunks that did not fit their slots
};

// A quantiser with what follows from it.
struct Steps : Quantiser {
  ToSymbols to;
  static CINCH_DEVICE_FN Steps of(const Quantiser& q) { return {q, to_symbols(q)}; }
};

struct StreamCounts {
  uint32_t bytes, literals, raws;
};

// Longest streams, and the word behind that the last letter may touch.
constexpr int kStreamWords = static_cast<int>(kGroupsOfStream * kLetterGroup * kLongestCode / 32) + 4;

struct EncodeMemory {
  uint32_t draws[kStreams * kDrawWords];  // scratch of the warps
  uint32_t streams[kStreams][kStreamWords];
  uint32_t table[kLetters];
  StreamCounts counts[kStreams];
  CodeMemory code;
};

template <bool kPaired, class T>
CINCH_DEVICE_FN LetterValues<kPaired> load_lane(const T* group, int count, bool aligned, int lane, int half) {
  using Lanes = LetterLanes<kPaired>;
  LetterValues<kPaired> x;
  const int element = Lanes::row(lane, half) * kColumns16 + Lanes::column(lane);
  CINCH_UNROLL
  for (int row = 0; row < Lanes::kRows; ++row) load_run(group, element + row * kColumns16, count, aligned, x.at[row]);
  return x;
}

// Visits the letters of a stream, two groups at a time: visit(group, half, letters), a word of four letters a lane, in
// the order in which the stream has them. `channels`: a row of them from the chunk's first value on.
template <bool kPaired, class T, class W, class Row, class Visit>
CINCH_DEVICE_FN void visit_letters(const W& w, const ChunksJob<T>& job, const Steps& q, const ChunkPlace& place,
                                   int stream, const Row& channels, Visit visit) {
  using Lanes = LetterLanes<kPaired>;
  const bool aligned = is_run_aligned(job.in);
  const int end = place.end(stream);
  for (int first = place.begin(stream); first < end; first += 2) {
    const int second = std::min(first + 1, end - 1);
    struct Both {
      LetterValues<kPaired> at[2][Lanes::kHalves];
    };
    typename W::template Var<Both> x;
    w.each([&](int lane) {
      CINCH_UNROLL
      for (int g = 0; g < 2; ++g) {
        const int group = g == 0 ? first : second;
        CINCH_UNROLL
        for (int half = 0; half < Lanes::kHalves; ++half)
          x[lane].at[g][half] = load_lane<kPaired>(job.in + (place.first_group + group) * kLetterGroup,
                                                   place.count(group), aligned, lane, half);
      }
    });
    if (q.dithered) make_two_draws(w, q.key, place.first_group + first, place.first_group + second);
    CINCH_UNROLL
    for (int g = 0; g < 2; ++g) {
      if (first + g >= end) break;
      CINCH_UNROLL
      for (int half = 0; half < Lanes::kHalves; ++half) {
        typename W::template Var<uint32_t> letters;
        w.each([&](int lane) {
          const int row = Lanes::row(lane, half), column = Lanes::column(lane);
          Chunk draws{};
          if (q.dithered) draws = draws_of(w.scratch, g, row, column);
          const int element = static_cast<int>(kLetterGroup) * (first + g) + row * kColumns16 + column;
          const auto values = deviations_of<kPaired>(channels, x[lane].at[g][half], element);
          letters[lane] = letters_of<kPaired>(q.to, values, draws, row);
        });
        visit(first + g, half, letters);
      }
    }
  }
}

// The first pass: bits of a stream into the block's memory, and how many there are. visit_all(visit) has every word of
// letters visited in the stream's order, as visit_letters() does. Returns which of its groups have literals, a bit
// each.
template <bool kPaired, class W, class VisitAll>
CINCH_DEVICE_FN uint32_t code_stream(const W& w, const Alphabet& q, const ChunkPlace& place, int stream,
                                     EncodeMemory& m, VisitAll visit_all) {
  uint32_t* bits = m.streams[stream];
  const int begin = place.begin(stream), groups = place.end(stream) - begin;
  const int words = groups * LetterLanes<kPaired>::kLetters * kLongestCode / 32 + 3;
  w.each([&](int lane) {
    for (int i = lane; i < words; i += kLanes) bits[i] = 0;
  });
  w.sync();
  uint32_t used = 0, literals = 0, raws = 0, with_literals = 0;
  visit_all([&](int group, int, const typename W::template Var<uint32_t>& letters) {
    // Bits in the low half of a sum, literals and raw values above: at most 1408, 128 and 256.
    typename W::template Var<uint64_t> code;
    typename W::template Var<uint32_t> sums;
    w.each([&](int lane) {
      uint64_t all = 0;
      uint32_t length = 0, found = 0;
      CINCH_UNROLL
      for (int i = 0; i < kRun; ++i) {
        const uint32_t entry = m.table[letters[lane] >> (8 * i) & 0xffu];
        all |= uint64_t{entry & 0xffffu} << length;
        length += entry >> 16 & 31u;
        found += entry >> 31;
      }
      code[lane] = all;
      sums[lane] = length;
      if (found > 0) sums[lane] |= found << 12 | raws_in_word(q, letters[lane]) << 20;
    });
    const auto up_to = w.sum_up_to(sums);
    w.each([&](int lane) {
      const uint32_t at = used + ((up_to[lane] - sums[lane]) & 0xfffu), shift = at % 32;
      uint32_t* to = bits + at / 32;
      const uint64_t low = code[lane] << shift;
      W::or_into(to, static_cast<uint32_t>(low));
      if (shift + (sums[lane] & 0xfffu) > 32) W::or_into(to + 1, static_cast<uint32_t>(low >> 32));
      if (shift + (sums[lane] & 0xfffu) > 64) W::or_into(to + 2, static_cast<uint32_t>(code[lane] >> (64 - shift)));
    });
    const uint32_t total = w.last(up_to);
    used += total & 0xfffu;
    literals += total >> 12 & 0xffu;
    raws += total >> 20;
    if ((total & 0xff000u) != 0) with_literals |= 1u << (group - begin);
  });
  w.each([&](int lane) {
    if (lane == 0) m.counts[stream] = {(used + 7) / 8, literals, raws};
  });
  return with_literals;
}

// `count` bytes of words to any place of a slot: whole words where it can be.
template <class W>
CINCH_DEVICE_FN void put_bytes(const W& w, const uint32_t* words, int count, std::byte* slot, int begin) {
  const int end = begin + count, first = (begin + 3) / 4, last = end / 4;
  const auto byte = [&](int at) {
    const int i = at - begin;
    slot[at] = static_cast<std::byte>(words[i / 4] >> (i % 4 * 8));
  };
  w.each([&](int lane) {
    if (first >= last) {
      for (int at = begin + lane; at < end; at += kLanes) byte(at);
      return;
    }
    if (begin + lane < first * 4) byte(begin + lane);
    if (last * 4 + lane < end) byte(last * 4 + lane);
    const int skipped = first * 4 - begin, shift = skipped * 8;  // 0 to 3 bytes
    for (int i = lane; i < last - first; i += kLanes) {
      const uint64_t two = words[i] | uint64_t{words[i + 1]} << 32;
      reinterpret_cast<uint32_t*>(slot)[first + i] = static_cast<uint32_t>(two >> shift);
    }
  });
}

// Literals of a stream and raw values of kRawBytes behind all literals; `literal` and `raw` are places in the slot.
// Few groups have any, and these are coded once more: one at a time, so that the first pass has the registers.
// What begin_group(group) gives goes to letters_of(it, group, half), the words of letters again, and to raw_of(it,
// element), a value that no symbol holds.
template <bool kPaired, int kRawBytes, class W, class Begin, class LettersOf, class RawOf>
CINCH_DEVICE_FN void put_literals(const W& w, const Alphabet& q, int begin, uint32_t with_literals,
                                  const uint32_t* table, std::byte* literal, std::byte* raw, Begin begin_group,
                                  LettersOf letters_of, RawOf raw_of) {
  using Lanes = LetterLanes<kPaired>;
  constexpr uint32_t kRawSymbol = kPaired ? Alphabet::kPairedSymbols : Alphabet::kSingleSymbols;
  CINCH_ROLLED
  for (uint32_t left = with_literals; left != 0; left &= left - 1) {
    const int group = begin + static_cast<int>(std::countr_zero(left));
    const auto prepared = begin_group(group);
    CINCH_ROLLED
    for (int half = 0; half < Lanes::kHalves; ++half) {
      const typename W::template Var<uint32_t> letters = letters_of(prepared, group, half);
      typename W::template Var<uint32_t> sums;
      w.each([&](int lane) {
        uint32_t found = 0;
        CINCH_UNROLL
        for (int i = 0; i < kRun; ++i) found += table[letters[lane] >> (8 * i) & 0xffu] >> 31;
        sums[lane] = found | raws_in_word(q, letters[lane]) << 16;
      });
      const auto up_to = w.sum_up_to(sums);
      w.each([&](int lane) {
        const uint32_t before = up_to[lane] - sums[lane];
        std::byte *next_literal = literal + (before & 0xffffu), *next_raw = raw + (before >> 16) * kRawBytes;
        const int element = Lanes::row(lane, half) * kColumns16 + Lanes::column(lane);
        CINCH_ROLLED
        for (int i = 0; i < kRun; ++i) {
          const uint32_t letter = letters[lane] >> (8 * i) & 0xffu;
          if (table[letter] >> 31 == 0) continue;
          *next_literal++ = static_cast<std::byte>(letter);
          CINCH_UNROLL
          for (int row = 0; row < Lanes::kRows; ++row) {
            const uint32_t symbol = kPaired ? letter >> (4 * row) & 15u : letter;
            if (symbol != kRawSymbol) continue;
            const uint32_t bits = raw_of(prepared, element + row * kColumns16 + i);
            CINCH_UNROLL
            for (int k = 0; k < kRawBytes; ++k) *next_raw++ = static_cast<std::byte>(bits >> (8 * k));
          }
        }
      });
      const uint32_t total = w.last(up_to);
      literal += total & 0xffffu;
      raw += (total >> 16) * kRawBytes;
    }
  }
}

// A warp's part of the values as they are.
template <class T, class W>
CINCH_DEVICE_FN void put_verbatim(const W& w, const T* values, int64_t count, int warp, std::byte* out) {
  w.each([&](int lane) {
    for (int64_t i = warp * kLanes + lane; i < count; i += kStreams * kLanes) {
      if constexpr (sizeof(T) == 4) {
        reinterpret_cast<uint32_t*>(out)[i] = std::bit_cast<uint32_t>(values[i]);
      } else {
        reinterpret_cast<uint16_t*>(out)[i] = std::bit_cast<uint16_t>(values[i]);
      }
    }
  });
}

template <class T, class W>
CINCH_DEVICE_FN void put_coarse(const W& w, const ChunksJob<T>& job, uint64_t key, const ChunkPlace& place, int stream,
                                std::byte* slot) {
  const int bits = coarse_bits(job.slots.group_bytes), end = place.end(stream);
  const bool aligned = is_run_aligned(job.in);
  for (int group = place.begin(stream); group < end; ++group) {
    make_two_draws(w, key, place.first_group + group, place.first_group + group);
    typename W::template Var<LetterValues<true>> x;
    w.each([&](int lane) {
      x[lane] =
          load_lane<true>(job.in + (place.first_group + group) * kLetterGroup, place.count(group), aligned, lane, 0);
    });
    encode_coarse_group(w, x, 0, place.groups, group, bits, slot, job.poisoned);
  }
}

}  // namespace cinch::codec
