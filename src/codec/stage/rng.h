// The generator of stochastic rounding: a hash of (seed, step, site, salt, group, column). Private, stateless, the same
// on every machine; the model's generators are never touched. Vector kernels compute it lane by lane.
#pragma once

#include <array>
#include <cstdint>

#include "cinch/codec.h"
#include "src/core/mix.h"

namespace cinch::codec {

// Constants: a Weyl step and two multipliers of a 32-bit bijection with low avalanche bias.
constexpr uint32_t kWeyl = 0x9e3779b9u;
constexpr uint32_t kMul1 = 0x21f0aaadu;
constexpr uint32_t kMul2 = 0x735a2d97u;
constexpr uint32_t kColumnCount = 16;  // chains of draws in a group

// c * kWeyl: a table, because filling a vector with counters is slow on some sets.
constexpr std::array<uint32_t, kColumnCount> kColumnWeyl = [] {
  std::array<uint32_t, kColumnCount> table{};
  for (uint32_t c = 0; c < kColumnCount; ++c) table[c] = c * kWeyl;
  return table;
}();

// `salt` keeps apart streams that code the same tensor twice: a recode must not meet the dither of the first coding.
constexpr uint64_t rng_key(uint64_t seed, uint64_t step, uint64_t site, uint64_t salt) noexcept {
  uint64_t h = mix64(seed ^ 0x9e3779b97f4a7c15ull);
  h = mix64(h + 0xbf58476d1ce4e5b9ull * (step + 1));
  h = mix64(h + 0x94d049bb133111ebull * (site + 1));
  return mix64(h + 0xd6e8feb86659fd93ull * (salt + 1));
}
inline uint64_t rng_key(const CodecContext& c, uint64_t salt) noexcept { return rng_key(c.seed, c.step, c.site, salt); }

// One key a group; its halves enter first_draw() at two places.
constexpr uint64_t group_key(uint64_t key, int64_t group) noexcept {
  return mix64(key ^ (0x9e3779b97f4a7c15ull * (static_cast<uint64_t>(group) + 1)));
}

// 32 uniform bits for column 0 .. 15 of a group. Callers use both halves as independent uniforms.
constexpr uint32_t first_draw(uint64_t group_key, uint32_t column) noexcept {
  uint32_t x = static_cast<uint32_t>(group_key) + column * kWeyl;
  x = (x ^ (x >> 16)) * kMul1 + static_cast<uint32_t>(group_key >> 32);
  x = (x ^ (x >> 15)) * kMul2;
  return x ^ (x >> 15);
}

// The next draw of the same column: a bijection of one multiplication, so every draw is uniform; any two halves of two
// draws behave as independent (tests), which is all that the variance of a sum of rounding errors asks for.
constexpr uint32_t next_draw(uint32_t x) noexcept {
  x = x * kMul2 + kWeyl;
  return x ^ (x >> 15);  // last, because a product's low bits know nothing of high ones
}

// Draw `index` of a column, one after the other: for references and tests.
constexpr uint32_t draw(uint64_t group_key, uint32_t column, uint32_t index) noexcept {
  uint32_t x = first_draw(group_key, column);
  while (index-- > 0) x = next_draw(x);
  return x;
}

}  // namespace cinch::codec
