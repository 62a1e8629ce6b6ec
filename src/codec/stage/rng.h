// The generator of stochastic rounding: a hash of (seed, step, site, salt, group, lane). Private, stateless, the same on
// every machine; the model's generators are never touched. Vector kernels compute draw() lane by lane.
#pragma once

#include <cstdint>

#include "cinch/codec.h"
#include "src/core/mix.h"

namespace cinch::codec {

// Constants of draw(): a Weyl step and two multipliers of a 32-bit bijection with low avalanche bias.
constexpr uint32_t kWeyl = 0x9e3779b9u;
constexpr uint32_t kMul1 = 0x21f0aaadu;
constexpr uint32_t kMul2 = 0x735a2d97u;

// `salt` keeps apart streams that code the same tensor twice: a recode must not meet the dither of the first coding.
constexpr uint64_t rng_key(uint64_t seed, uint64_t step, uint64_t site, uint64_t salt) noexcept {
  uint64_t h = mix64(seed ^ 0x9e3779b97f4a7c15ull);
  h = mix64(h + 0xbf58476d1ce4e5b9ull * (step + 1));
  h = mix64(h + 0x94d049bb133111ebull * (site + 1));
  return mix64(h + 0xd6e8feb86659fd93ull * (salt + 1));
}
inline uint64_t rng_key(const CodecContext& c, uint64_t salt) noexcept { return rng_key(c.seed, c.step, c.site, salt); }

// One key a group; its halves enter draw() at two places.
constexpr uint64_t group_key(uint64_t key, int64_t group) noexcept {
  return mix64(key ^ (0x9e3779b97f4a7c15ull * (static_cast<uint64_t>(group) + 1)));
}

// 32 uniform bits for lane 0, 1, ... of a group. Callers use both halves as independent uniforms.
constexpr uint32_t draw(uint64_t group_key, uint32_t lane) noexcept {
  uint32_t x = static_cast<uint32_t>(group_key) + lane * kWeyl;
  x ^= x >> 16;
  x = x * kMul1 + static_cast<uint32_t>(group_key >> 32);
  x ^= x >> 15;
  x *= kMul2;
  return x ^ (x >> 15);
}

}  // namespace cinch::codec
