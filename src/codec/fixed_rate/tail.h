// The last, short group of a tensor.
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

}  // namespace cinch::codec
