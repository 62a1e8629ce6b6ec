// A warp decodes two groups. Lanes that share a word read it together.
#pragma once

#include "src/codec/fixed_rate/lanes.h"

namespace cinch::codec {

// Groups in a payload. `codes` is 64-byte aligned.
struct CodedGroups {
  const Sides* sides;
  const std::byte* codes;
  int64_t numel;
};

// Codes of values (lane, load, 0 ..) of the group whose codes begin at `from`.
template <int kBits, class T>
CINCH_DEVICE_FN void load_codes(const std::byte* from, int lane, int load, uint32_t* codes) {
  using Lanes = GroupLanes<T>;
  using Code = CodeWords<kBits>;
  const int row = Lanes::row(lane, load);
  const int place = Code::block(row) * static_cast<int>(kColumns) + Lanes::column(lane);
  constexpr uint32_t kMask = (1u << kBits) - 1;
  CINCH_UNROLL
  for (int c = 0; c < Lanes::kValues; c += 4) {
    uint32_t words[4];
    if constexpr (kBits == 1) {
      struct alignas(8) Two {
        uint32_t half[2];
      };
      const Two two = *reinterpret_cast<const Two*>(from + (place + c) * 2);
      CINCH_UNROLL
      for (int i = 0; i < 4; ++i) words[i] = two.half[i / 2] >> (i % 2 * 16) & 0xffffu;
    } else {
      const Chunk chunk = *reinterpret_cast<const Chunk*>(from + (place + c) * 4);
      CINCH_UNROLL
      for (int i = 0; i < 4; ++i) words[i] = chunk.words[i];
    }
    const int shift = kBits == 1 ? row / 2 + row % 2 * 8 : Code::shift(row);
    CINCH_UNROLL
    for (int i = 0; i < 4; ++i) codes[c + i] = words[i] >> shift & kMask;
  }
}

// The first `count` of a lane's values of one load. `to` is chunk-aligned.
template <class T>
CINCH_DEVICE_FN void store_values(T* to, const float* x, int64_t count) {
  constexpr int kValues = kChunkValues<T>;
  if (count >= kValues) {
    Chunk chunk;
    CINCH_UNROLL
    for (int i = 0; i < kValues; ++i) set_chunk_value(chunk, i, from_float<T>(x[i]));
    *reinterpret_cast<Chunk*>(to) = chunk;
  } else {
    CINCH_UNROLL
    for (int i = 0; i < kValues; ++i)
      if (i < count) to[i] = from_float<T>(x[i]);
  }
}

// Values (lane, load, 0 ..) of a group as float32.
template <int kBits, class T>
CINCH_DEVICE_FN void decode_values(const CodedGroups& in, int64_t group, int lane, int load, float* x) {
  const Sides sides = in.sides[group];
  const float minimum = bf16_to_float(sides.minimum), step = bf16_to_float(sides.step);
  uint32_t codes[GroupLanes<T>::kValues];
  load_codes<kBits, T>(in.codes + group * code_bytes(kBits), lane, load, codes);
  CINCH_UNROLL
  for (int i = 0; i < GroupLanes<T>::kValues; ++i) x[i] = minimum + static_cast<float>(codes[i]) * step;
}

template <class T>
struct DecodeJob {
  CodedGroups in;
  T* out;  // chunk-aligned
};

template <int kBits, class T, class W>
CINCH_DEVICE_FN void decode_groups_of_warp(const W& w, const DecodeJob<T>& job, int64_t first) {
  using Lanes = GroupLanes<T>;
  const int64_t groups = group_count(job.in.numel);
  w.each([&](int lane) {
    CINCH_UNROLL
    for (int g = 0; g < kTogether; ++g) {
      if (first + g >= groups) return;
      const int64_t count = job.in.numel - (first + g) * kGroup;
      CINCH_UNROLL
      for (int k = 0; k < Lanes::kLoads; ++k) {
        float x[Lanes::kValues];
        decode_values<kBits, T>(job.in, first + g, lane, k, x);
        const int element = Lanes::row(lane, k) * static_cast<int>(kColumns) + Lanes::column(lane);
        store_values(job.out + (first + g) * kGroup + element, x, count - element);
      }
    }
  });
}

// A payload as the source of a coarser one. A short last group goes on with its first value.
template <int kBits>
struct CodedSource {
  using Value = float;
  CodedGroups in;

  CINCH_DEVICE_FN int64_t groups() const { return group_count(in.numel); }
  CINCH_DEVICE_FN bool is_whole(int64_t end) const { return end * kGroup <= in.numel; }
  CINCH_DEVICE_FN void load_whole(int64_t group, int lane, int load, float* x) const {
    decode_values<kBits, float>(in, group, lane, load, x);
  }
  CINCH_DEVICE_FN void load(int64_t group, int lane, int load, float* x) const {
    using Lanes = GroupLanes<float>;
    decode_values<kBits, float>(in, group, lane, load, x);
    const int64_t count = in.numel - group * kGroup;
    const int element = Lanes::row(lane, load) * static_cast<int>(kColumns) + Lanes::column(lane);
    if (element + Lanes::kValues <= count) return;
    float first[Lanes::kValues];
    decode_values<kBits, float>(in, group, 0, 0, first);
    for (int i = 0; i < Lanes::kValues; ++i) x[i] = element + i < count ? x[i] : first[0];
  }
};

}  // namespace cinch::codec
