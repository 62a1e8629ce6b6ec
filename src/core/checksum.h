// Checksum of small headers: catches damage, not malice.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "src/core/mix.h"

namespace cinch {

// Every single bit of the input changes the result.
constexpr uint32_t checksum_of_words(const uint32_t* words, size_t count) noexcept {
  uint64_t h = 0x243f6a8885a308d3ull ^ (count * 4);
  for (size_t i = 0; i < count; ++i) h = mix64(h ^ words[i]);
  return static_cast<uint32_t>(h >> 32);
}

// The same over `bytes` bytes, a multiple of 4, of any type.
inline uint32_t checksum32(const void* data, size_t bytes) noexcept {
  const auto* p = static_cast<const unsigned char*>(data);
  uint64_t h = 0x243f6a8885a308d3ull ^ bytes;
  for (size_t i = 0; i + 4 <= bytes; i += 4) {
    uint32_t word;
    std::memcpy(&word, p + i, 4);
    h = mix64(h ^ word);
  }
  return static_cast<uint32_t>(h >> 32);
}

}  // namespace cinch
