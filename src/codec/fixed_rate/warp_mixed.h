// A warp codes and decodes groups of which each has a width of its own (average_bits). It takes a part of a chunk at a
// time, finds the places of its groups from the chunk's widths, and does what warp_encode.h and warp_decode.h do, once
// for each width that the groups at hand have.
#pragma once

#include "src/codec/fixed_rate/average_layout.h"
#include "src/codec/fixed_rate/warp_decode.h"
#include "src/codec/fixed_rate/warp_encode.h"

namespace cinch::codec {

constexpr int kPartGroups = 8;  // of a chunk: enough to make up for reading all of its widths
constexpr int64_t mixed_parts(int64_t groups) noexcept { return ceil_div(groups, kPartGroups); }

// A part's groups in the memory of a warp: the width of each, and in the upper bits the units before it in the chunk.
constexpr int kPlacesAt = kScratchWords, kMixedScratchWords = kScratchWords + kPartGroups;
static_assert(kPlacesAt % 4 == 0 && kPartGroups % 4 == 0, "draws are 16-byte aligned");
constexpr uint32_t kWidthBits = 0xff;

// Four groups' widths in the bytes of a word, whatever the payload holds 0, 1, 2, 4 or 8. Those behind the last group
// have 0.
template <class Sections>
CINCH_DEVICE_FN uint32_t four_widths(const Sections& from, int64_t groups, int64_t first) {
  if (first >= groups) return 0;
  const auto logs = static_cast<uint32_t>(from.widths[first / kWidthsOfByte]);
  uint32_t widths = 0;
  CINCH_UNROLL
  for (int k = 0; k < kWidthsOfByte; ++k)
    // Whether a step is zero does not change when its group is coded, so sides may be read while others write them.
    if (first + k < groups && from.sides[first + k].step != 0) widths |= (1u << (logs >> 2 * k & 3)) << 8 * k;
  return widths;
}

// All units of a chunk. `places`: its groups' from `begin` on, a part of them; may be null.
template <class Sections, class W>
CINCH_DEVICE_FN uint32_t read_chunk(const W& w, const Sections& from, int64_t groups, int64_t chunk, int begin,
                                    uint32_t* places) {
  typename W::template Var<uint32_t> widths, units;
  w.each([&](int lane) {
    widths[lane] = four_widths(from, groups, chunk * kAverageChunk + lane * kWidthsOfByte);
    units[lane] = widths[lane] * 0x01010101u >> 24;  // the sum of the bytes: 32 at most
  });
  const auto up_to = w.sum_up_to(units);
  w.sync();  // nobody reads the places of the part before any more
  w.each([&](int lane) {
    const int at = lane * static_cast<int>(kWidthsOfByte) - begin;
    if (places == nullptr || at < 0 || at >= kPartGroups) return;
    uint32_t before = up_to[lane] - units[lane];
    CINCH_UNROLL
    for (int k = 0; k < kWidthsOfByte; ++k) {
      const uint32_t width = widths[lane] >> 8 * k & kWidthBits;
      places[at + k] = width | before << 8;
      before += width;
    }
  });
  w.sync();
  return w.last(up_to);
}

template <class T>
struct MixedEncodeJob {
  TensorSource<T> source;
  uint64_t key;  // of the generator
  WrittenSections to;
};

// Groups of one width among those of a warp, if there are any. Lanes of other groups go through the motions.
template <int kBits, bool kNearest, class T, class W>
CINCH_DEVICE_FN void encode_width(const W& w, const MixedEncodeJob<T>& job, int64_t first, std::byte* codes,
                                  const typename W::template Var<uint32_t>& places,
                                  const typename W::template Var<LaneValues<T>>& in,
                                  const typename W::template Var<KeyRange>& ranges) {
  using Lanes = GroupLanes<T>;
  using Codes = LaneCodes<kBits, T>;
  typename W::template Var<bool> mine;
  w.each([&](int lane) { mine[lane] = (places[lane] & kWidthBits) == kBits; });
  if (!w.any(mine)) return;
  typename W::template Var<Words<Codes::kWords>> words;
  w.each([&](int lane) {
    const Sides sides = sides_of<(1 << kBits) - 1>(from_order_key(ranges[lane].low), from_order_key(ranges[lane].high));
    if (mine[lane] && Lanes::is_first(lane)) job.to.sides[first + Lanes::group(lane)] = sides;
    words[lane] = codes_of_lane<kBits, kNearest>(in[lane], sides, w.scratch, lane);
  });
  swap_fields<kBits, T>(w, words);
  w.each([&](int lane) {
    if (mine[lane]) store_words<kBits, T>(words[lane], codes + (places[lane] >> 8) * kUnitBytes, lane);
  });
}

// One of mixed_parts(). Sides of constant groups are there already.
template <bool kNearest, class T, class W>
CINCH_DEVICE_FN void encode_part(const W& w, const MixedEncodeJob<T>& job, int64_t part) {
  using Lanes = GroupLanes<T>;
  const int64_t begin = part * kPartGroups, chunk = begin / kAverageChunk, groups = job.source.groups();
  read_chunk(w, job.to, groups, chunk, static_cast<int>(begin - chunk * kAverageChunk), w.scratch + kPlacesAt);
  std::byte* codes = job.to.codes + job.to.offsets[chunk] * kUnitBytes;
  CINCH_ROLLED
  for (int i = 0; i < kPartGroups; i += Lanes::kTogether) {
    const int64_t first = begin + i;
    if (first >= groups) return;
    typename W::template Var<uint32_t> places;
    typename W::template Var<bool> coded;
    w.each([&](int lane) {
      places[lane] = w.scratch[kPlacesAt + i + Lanes::group(lane)];
      coded[lane] = (places[lane] & kWidthBits) != 0;
    });
    if (!w.any(coded)) continue;
    typename W::template Var<LaneValues<T>> in;
    job.source.load(w, first, in);
    if constexpr (!kNearest) make_draws<T>(w, job.key, first);  // the same whatever the width
    typename W::template Var<KeyRange> ranges;
    w.each([&](int lane) { ranges[lane] = lane_range(in[lane]); });
    group_ranges<T>(w, ranges);
    encode_width<1, kNearest>(w, job, first, codes, places, in, ranges);
    encode_width<2, kNearest>(w, job, first, codes, places, in, ranges);
    encode_width<4, kNearest>(w, job, first, codes, places, in, ranges);
    encode_width<8, kNearest>(w, job, first, codes, places, in, ranges);
  }
}

// Zeros behind all codes: warp `which` of `warps` has its share of them. `units`: those that there is room for.
template <class W>
CINCH_DEVICE_FN void clear_rest(const W& w, const WrittenSections& to, int64_t groups, int64_t units, int64_t which,
                                int64_t warps) {
  const int64_t last = ceil_div(groups, kAverageChunk) - 1;
  const int64_t used = to.offsets[last] + read_chunk(w, to, groups, last, 0, nullptr);
  constexpr int64_t kChunks = kUnitBytes / int64_t{sizeof(Chunk)};
  w.each([&](int lane) {
    for (int64_t i = used * kChunks + which * kLanes + lane; i < units * kChunks; i += warps * kLanes)
      reinterpret_cast<Chunk*>(to.codes)[i] = Chunk{};
  });
}

template <class T>
struct MixedDecodeJob {
  ReadSections from;
  int64_t numel, units;
  T* out;  // chunk-aligned
};

// A lane's share of a group. Without bits it is constant.
template <int kBits, class T>
CINCH_DEVICE_FN void decode_width(const MixedDecodeJob<T>& job, int64_t group, Sides sides, const std::byte* codes,
                                  int lane) {
  LaneWords<kBits == 0 ? 1 : kBits, T> words{};
  if constexpr (kBits > 0) words.load(codes, lane);
  decode_words(words, sides, values_of_group(job.numel - group * kGroup), lane, job.out + group * kGroup);
}

// One of mixed_parts(). A chunk whose widths do not fit between its offset and the next one becomes NaN: the host could
// not find out.
template <class T, class W>
CINCH_DEVICE_FN void decode_part(const W& w, const MixedDecodeJob<T>& job, int64_t part) {
  const int64_t begin = part * kPartGroups, chunk = begin / kAverageChunk, groups = group_count(job.numel);
  const int64_t units =
      read_chunk(w, job.from, groups, chunk, static_cast<int>(begin - chunk * kAverageChunk), w.scratch);
  const int64_t offset = job.from.offsets[chunk];
  const bool fits = offset >= 0 && offset <= job.units && units <= job.units - offset &&
                    ((chunk + 1) * kAverageChunk >= groups || job.from.offsets[chunk + 1] == offset + units);
  CINCH_ROLLED
  for (int i = 0; i < kPartGroups; i += kDecodedTogether) {
    w.each([&](int lane) {
      const int at = i + DecodingLanes<T>::group(lane);
      const int64_t group = begin + at;
      if (group >= groups) return;
      if (!fits) return decode_width<0>(job, group, Sides{kPoisoned.minimum, 0}, nullptr, lane);
      const uint32_t place = w.scratch[at];
      const std::byte* codes = job.from.codes + (offset + (place >> 8)) * kUnitBytes;
      const Sides sides = job.from.sides[group];
      switch (place & kWidthBits) {
        case 0:
          return decode_width<0>(job, group, sides, codes, lane);
        case 1:
          return decode_width<1>(job, group, sides, codes, lane);
        case 2:
          return decode_width<2>(job, group, sides, codes, lane);
        case 4:
          return decode_width<4>(job, group, sides, codes, lane);
        default:
          return decode_width<8>(job, group, sides, codes, lane);
      }
    });
  }
}

}  // namespace cinch::codec
