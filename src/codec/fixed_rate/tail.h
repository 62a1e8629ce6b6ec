// The ends of a tensor in groups: its last, short group, and outputs that are too large for the caches.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "src/codec/fixed_rate/layout.h"

namespace cinch::codec {

// Copies the last, short group and fills it up with its first value, which leaves its range as it is.
inline void fill_tail(const std::byte* from, int64_t count, int64_t width, std::byte* group) {
  std::memcpy(group, from, static_cast<size_t>(count * width));
  for (int64_t i = count; i < kGroup; ++i) std::memcpy(group + i * width, group, static_cast<size_t>(width));
}

// Outputs beyond the second cache gain from streaming stores, which ask for aligned memory.
inline bool streams_past_caches(const void* out, int64_t bytes) {
  return bytes >= int64_t{4} << 20 && reinterpret_cast<uintptr_t>(out) % 64 == 0;
}

}  // namespace cinch::codec
