// group_quant one value at a time, written from its README: the oracle for every kernel.
#pragma once

#include <cmath>
#include <cstdint>
#include <optional>
#include <vector>

#include "src/codec/fixed_rate/layout.h"
#include "src/codec/stage/rng.h"
#include "tests/contract/support.h"

namespace cinch::testing {

struct ReferencePayload {
  std::vector<codec::Sides> sides;
  std::vector<std::vector<uint32_t>> codes;  // of each group, 256 codes
};

inline std::optional<ReferencePayload> reference_encode(const Extent& in, int bits, bool nearest, uint64_t key) {
  const int fraction = 16 - bits;
  ReferencePayload payload;
  for (int64_t g = 0; g * 256 < in.numel; ++g) {
    float x[256], min = 0, max = 0;
    for (int64_t i = 0; i < 256; ++i) {
      // A short last group goes on with its first value.
      const int64_t e = g * 256 + i;
      x[i] = static_cast<float>(float_at(in.data, e < in.numel ? e : g * 256, in.dtype));
      if (!std::isfinite(x[i]) || std::fabs(x[i]) >= 0x1p118f) return std::nullopt;
      min = i == 0 ? x[i] : std::fmin(min, x[i]);
      max = i == 0 ? x[i] : std::fmax(max, x[i]);
    }
    const codec::Sides s = codec::make_sides(min, max, (1 << bits) - 1);
    const float low = bf16_to_float(s.minimum), step = bf16_to_float(s.step);
    const float scale = step > 0 ? static_cast<float>(1 << fraction) / step : 0.0f;
    const uint64_t group = codec::group_key(key, g);
    std::vector<uint32_t> codes(256);
    for (uint32_t i = 0; i < 256; ++i) {
      const float difference = x[i] - low;
      const float scaled = difference * scale;
      const auto t = static_cast<uint32_t>(std::nearbyint(scaled));
      // Rows 2p and 2p + 1 share draw p of their column, its lower and upper half.
      const uint32_t row = i / 16, column = i % 16;
      const uint32_t draw = codec::draw(group, column, row / 2) >> (row % 2 * 16);
      const uint32_t dither = nearest ? 1u << (fraction - 1) : draw & ((1u << fraction) - 1);
      codes[i] = (t + dither) >> fraction;
    }
    payload.sides.push_back(s);
    payload.codes.push_back(codes);
  }
  return payload;
}

inline std::optional<ReferencePayload> reference_encode(const Extent& in, int bits, bool nearest,
                                                        const CodecContext& context) {
  return reference_encode(in, bits, nearest,
                          codec::rng_key(context, codec::kGroupQuantMagic + static_cast<uint64_t>(bits)));
}

// Where the README's drawing puts the code of element i of a group.
inline uint32_t code_at(const std::byte* group, int bits, uint32_t i) {
  const uint32_t row = i / 16, column = i % 16, pair = row / 2, odd = row % 2;
  if (bits == 1) {
    uint16_t word;
    std::memcpy(&word, group + column * 2, 2);
    return word >> (pair + 8 * odd) & 1u;
  }
  const uint32_t pairs = static_cast<uint32_t>(16 / bits), block = pair / pairs;
  uint32_t word;
  std::memcpy(&word, group + (block * 16 + column) * 4, 4);
  return word >> (static_cast<uint32_t>(bits) * (pair % pairs) + 16 * odd) & ((1u << bits) - 1);
}

}  // namespace cinch::testing
