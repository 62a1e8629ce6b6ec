// A block decodes a chunk of error_bound in its slot. Where neighbours predict, the integers are summed up along each
// axis where the values will be: no block has memory for all of them, and the second cache has.
#pragma once

#include "src/codec/entropy_coded/block_decode.h"
#include "src/codec/entropy_coded/warp_plain.h"

namespace cinch::codec {

struct BoundDecodeMemory : SlotDecodeMemory {
  uint32_t tails[kStreams];  // sums at the ends of stripes
  ChunkAxes axes;
};

namespace detail {

// An integer in the place of a value. Of 16 bits, wrapping around.
CINCH_DEVICE_FN void set_cell(float* out, int32_t integer) { *out = std::bit_cast<float>(integer); }
CINCH_DEVICE_FN void set_cell(Bf16* out, int32_t integer) { out->bits = static_cast<uint16_t>(integer); }
CINCH_DEVICE_FN void set_cell(Fp16* out, int32_t integer) { out->bits = static_cast<uint16_t>(integer); }
CINCH_DEVICE_FN int32_t cell(float out) { return static_cast<int16_t>(std::bit_cast<uint32_t>(out)); }
CINCH_DEVICE_FN int32_t cell(Bf16 out) { return static_cast<int16_t>(out.bits); }
CINCH_DEVICE_FN int32_t cell(Fp16 out) { return static_cast<int16_t>(out.bits); }

// Integers of a stream from its letters, each to put(at, integer); `raw` is the number of its first one in the list.
template <bool kPaired, class W, class Put>
CINCH_DEVICE_FN void put_integers(const W& w, const Alphabet& q, const ChunkPlace& place, int stream,
                                  const uint32_t* letters, const std::byte* slot, const ChunkParts& parts, uint32_t raw,
                                  Put put) {
  using Lanes = LetterLanes<kPaired>;
  constexpr uint32_t kRaw = kPaired ? Alphabet::kPairedSymbols : Alphabet::kSingleSymbols;
  const int begin = place.begin(stream), end = place.end(stream);
  CINCH_ROLLED
  for (int group = begin; group < end; ++group) {
    CINCH_ROLLED
    for (int half = 0; half < Lanes::kHalves; ++half) {
      const uint32_t* words = letters + ((group - begin) * Lanes::kHalves + half) * kLanes;
      typename W::template Var<uint32_t> raws, up_to;
      w.each([&](int lane) { raws[lane] = up_to[lane] = 0; });
      if (parts.raw_count > 0) {
        w.each([&](int lane) { raws[lane] = raws_in_word(q, words[lane]); });
        up_to = w.sum_up_to(raws);
      }
      w.each([&](int lane) {
        uint32_t next = raw + up_to[lane] - raws[lane];
        const uint32_t word = words[lane];
        const auto first =
            static_cast<uint32_t>(group * kLetterGroup + Lanes::row(lane, half) * kColumns16 + Lanes::column(lane));
        CINCH_UNROLL
        for (uint32_t i = 0; i < kRun; ++i) {
          const uint32_t letter = word >> (8 * i) & 0xffu;
          CINCH_UNROLL
          for (uint32_t r = 0; r < Lanes::kRows; ++r) {
            const uint32_t symbol = !kPaired ? letter : r == 0 ? letter & 15u : letter >> 4;
            const uint32_t at = first + r * kColumns16 + i;
            int32_t integer = static_cast<int16_t>(static_cast<int32_t>(symbol) + q.base);
            if (symbol == kRaw) {
              if (next < parts.raw_count) {
                const std::byte* from = slot + parts.raws + next * 2;
                integer =
                    static_cast<int16_t>(std::to_integer<uint32_t>(from[0]) | std::to_integer<uint32_t>(from[1]) << 8);
              }
              ++next;
            }
            if (at < static_cast<uint32_t>(place.values)) put(at, integer);
          }
        }
      });
      if (parts.raw_count > 0) raw += w.last(up_to);
    }
  }
}

// Running sums along an axis of stride 1: each warp of its stripe, 32 at once, then what the stripes before it add.
template <class T, class B>
CINCH_DEVICE_FN void sum_rows(const B& b, const ChunkAxis& axis, const ChunkPlace& place, T* out,
                              BoundDecodeMemory& m) {
  const auto count = static_cast<uint32_t>(place.values);
  const auto stripe = [&](int stream) { return static_cast<uint32_t>(place.begin(stream) * kLetterGroup); };
  const auto stripe_end = [&](int stream) {
    return std::min(count, static_cast<uint32_t>(place.end(stream) * kLetterGroup));
  };
  b.warps([&](const auto& w, int stream) {
    using W = std::remove_cvref_t<decltype(w)>;
    const uint32_t end = stripe_end(stream);
    uint32_t carry = 0;
    CINCH_ROLLED
    for (uint32_t base = stripe(stream); base < end; base += kLanes) {
      typename W::template Var<uint32_t> own;
      w.each([&](int lane) {
        const uint32_t at = base + static_cast<uint32_t>(lane);
        own[lane] = at < end ? static_cast<uint32_t>(cell(out[at])) : 0;
      });
      typename W::template Var<uint32_t> sums = w.sum_up_to(own);
      w.each([&](int lane) { w.scratch[lane] = sums[lane]; });
      w.sync();
      w.each([&](int lane) {
        const uint32_t at = base + static_cast<uint32_t>(lane), head = axis.begin(at);
        if (head < base)
          sums[lane] += carry;
        else if (head > base)
          sums[lane] -= w.scratch[head - base - 1];
        if (at < end) set_cell(out + at, static_cast<int16_t>(sums[lane]));
      });
      carry = w.last(sums);
      w.sync();
    }
    w.each([&](int lane) {
      if (lane == 0) m.tails[stream] = carry;
    });
  });
  b.sync();
  b.warps([&](const auto& w, int stream) {
    const uint32_t begin = stripe(stream), end = stripe_end(stream), head = axis.begin(begin);
    if (begin >= end || head == begin) return;
    uint32_t before = 0;
    for (int s = stream - 1; s >= 0; --s) {
      before += m.tails[s];
      if (head >= stripe(s)) break;
    }
    w.each([&](int lane) {
      CINCH_ROLLED
      for (uint32_t at = begin + static_cast<uint32_t>(lane); at < end; at += kLanes) {
        if (axis.begin(at) != head) break;
        set_cell(out + at, static_cast<int16_t>(static_cast<uint32_t>(cell(out[at])) + before));
      }
    });
  });
  b.sync();
}

// Along any other axis: a thread takes every number at one distance from the begin of a period.
template <class T, class B>
CINCH_DEVICE_FN void sum_columns(const B& b, const ChunkAxis& axis, uint32_t count, T* out) {
  const uint32_t periods = count > axis.left ? 1 + (count - axis.left + axis.period - 1) / axis.period : 1;
  b.each([&](int thread) {
    CINCH_ROLLED
    for (auto column = static_cast<uint32_t>(thread); column < periods * axis.stride; column += B::kThreads) {
      const uint32_t which = column / axis.stride;
      const uint32_t begin = which == 0 ? 0 : axis.left + (which - 1) * axis.period;
      const uint32_t end = std::min(count, axis.left + which * axis.period);
      uint32_t sum = 0;
      CINCH_ROLLED
      for (uint32_t at = begin + (column - which * axis.stride); at < end; at += axis.stride) {
        sum += static_cast<uint32_t>(cell(out[at]));
        set_cell(out + at, static_cast<int16_t>(sum));
      }
    }
  });
  b.sync();
}

// Places and values of what no level holds, between two places in the slot.
template <class T, class B>
CINCH_DEVICE_FN void put_missed_values(const B& b, const std::byte* slot, uint32_t begin, uint32_t end, int64_t count,
                                       T* out) {
  const uint32_t missed = end > begin ? (end - begin) / (2 + static_cast<uint32_t>(sizeof(T))) : 0;
  const auto half = [&](uint32_t at) {
    return std::to_integer<uint32_t>(slot[at]) | std::to_integer<uint32_t>(slot[at + 1]) << 8;
  };
  b.each([&](int i) {
    for (auto k = static_cast<uint32_t>(i); k < missed; k += B::kThreads) {
      const uint32_t place = half(begin + k * 2);
      const uint32_t at = begin + missed * 2 + k * static_cast<uint32_t>(sizeof(T));
      if (place >= count) continue;
      if constexpr (sizeof(T) == 4) {
        out[place] = std::bit_cast<float>(half(at) | half(at + 2) << 16);
      } else {
        out[place].bits = static_cast<uint16_t>(half(at));
      }
    }
  });
}

// The plain form.
template <class T, class B>
CINCH_DEVICE_FN void put_plain_values(const B& b, const LevelSteps& levels, const ChunkPlace& place,
                                      const std::byte* slot, uint32_t size, T* out) {
  const auto* sides = reinterpret_cast<const PlainGroup*>(slot + kPlainHeader);
  const auto bytes_of = [&](int group) {
    const uint32_t bits = sides[group].bits;
    return kLanes * (bits < kMostPlainBits ? bits : kMostPlainBits);
  };
  const auto codes_of = [&](int group) {
    auto at = static_cast<uint32_t>(plain_codes(place.groups));
    for (int g = 0; g < group; ++g) at += bytes_of(g);
    return at;
  };
  b.warps([&](const auto& w, int stream) {
    const int begin = place.begin(stream), end = place.end(stream);
    uint32_t at = codes_of(begin);
    CINCH_ROLLED
    for (int group = begin; group < end; ++group) {
      w.each([&](int lane) {
        CINCH_ROLLED
        for (int i = 0; i < kPlainRun; ++i) {
          const int64_t element = group * kLetterGroup + lane * kPlainRun + i;
          if (element < place.values)
            out[element] = from_float<T>(levels.value(plain_number(slot + at, slot + size, sides[group], lane, i)));
        }
      });
      at += bytes_of(group);
    }
  });
  b.sync();
  put_missed_values(b, slot, codes_of(place.groups), size, place.values, out);
}

}  // namespace detail

// One chunk from its slot to values. Every thread of the block is there.
template <bool kPaired, class T, class B>
CINCH_DEVICE_FN void decode_bound_chunk_of_block(const B& b, const SlotsJob<T>& job, const BoundQuantiser& q,
                                                 const Grid& grid, int64_t chunk, int reader, BoundDecodeMemory& m) {
  static_assert(B::kWarps == kStreams);
  const ChunkPlace place = ChunkPlace::of(job.slots, chunk);
  const int64_t first = place.first_group * kLetterGroup;
  const std::byte* slot = job.payload + job.slots.begin(chunk);
  const auto slot_bytes = static_cast<uint32_t>(job.slots.bytes(chunk));
  const uint32_t size = std::min(reinterpret_cast<const uint32_t*>(job.payload + ends_offset())[chunk],
                                 slot_bytes / uint32_t{kChunkAlignment}) *
                        uint32_t{kChunkAlignment};
  const auto* halves = reinterpret_cast<const uint16_t*>(slot);
  const uint16_t kind = halves[kStreams + 1], which = halves[kStreams];
  const LevelSteps levels = LevelSteps::of(levels_at(q, first));
  T* out = job.out + first;
  if (kind == kCoarse) {
    if (which == kPlainForm)
      detail::put_plain_values(b, levels, place, slot, size, out);
    else if (which == kLostForm)
      put_nan(b, out, place.values);
    else
      b.warps([&](const auto& w, int stream) { put_coarse_values(w, job, place, stream, slot); });
    return;
  }
  if (kind == kVerbatim) return put_stored(b, slot, slot_bytes, place.values, out);
  const ChunkParts parts = ChunkParts::of(slot, slot_bytes, kIntegerBytes);
  decode_letters_of_block<kPaired>(b, slot, slot_bytes, place, parts, q.alphabet, reader, m);
  b.warps([&](const auto& w, int stream) {
    detail::put_integers<kPaired>(w, q.alphabet, place, stream, m.letters[stream], slot, parts,
                                  raws_before(m, parts, stream), [&](uint32_t at, int32_t integer) {
                                    if (q.lorenzo)
                                      detail::set_cell(out + at, integer);
                                    else
                                      out[at] = from_float<T>(levels.value(integer));
                                  });
  });
  b.sync();
  if (q.lorenzo) {
    const auto count = static_cast<uint32_t>(place.values);
    b.each([&](int i) {
      if (i == 0) m.axes = ChunkAxes::of(grid, first);
    });
    b.sync();
    CINCH_ROLLED
    for (int k = 0; k < 3; ++k) {
      const ChunkAxis axis = m.axes.at[k];
      if (axis.stride >= count) continue;
      if (axis.stride == 1)
        detail::sum_rows(b, axis, place, out, m);
      else
        detail::sum_columns(b, axis, count, out);
    }
    b.each([&](int i) {
      for (auto at = static_cast<uint32_t>(i); at < count; at += B::kThreads)
        out[at] = from_float<T>(levels.value(detail::cell(out[at])));
    });
    b.sync();
  }
  detail::put_missed_values(b, slot, parts.raws + parts.raw_count * kIntegerBytes, size, place.values, out);
  b.sync();  // the next chunk overwrites the block's memory
}

}  // namespace cinch::codec
