// Bijective mixing of 64 bits: every output bit depends on every input bit (multiply-xorshift).
#pragma once

#include <cstdint>

namespace cinch {

constexpr uint64_t mix64(uint64_t x) noexcept {
  x ^= x >> 32;
  x *= 0xd6e8feb86659fd93ull;
  x ^= x >> 32;
  x *= 0xd6e8feb86659fd93ull;
  return x ^ (x >> 32);
}

}  // namespace cinch
