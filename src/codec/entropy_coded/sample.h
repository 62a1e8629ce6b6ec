// Which groups of a tensor a sample looks at.
#pragma once

#include <algorithm>
#include <cstdint>

#include "src/core/checked.h"
#include "src/core/mix.h"

namespace cinch::codec {

// One group of each `stride` of `groups`, anywhere among them: at a constant distance samples would meet the same few
// channels wherever that distance shares factors with the size of a map.
struct GroupSample {
  int64_t groups = 0, stride = 1, count = 0;

  static constexpr GroupSample of(int64_t groups, int64_t stride) noexcept {
    return {groups, stride, ceil_div(groups, stride)};
  }
  constexpr int64_t group(int64_t i) const noexcept {
    const int64_t begin = i * stride;
    const auto among = static_cast<uint32_t>(std::min(stride, groups - begin));
    // A division of 64 bits is a call in a kernel; this is the same remainder.
    const uint64_t random = mix64(static_cast<uint64_t>(begin));
    const uint32_t high = static_cast<uint32_t>(random >> 32) % among, low = static_cast<uint32_t>(random) % among;
    const uint32_t of_high = (0xffffffffu % among + 1) % among;
    return begin + (high * of_high + low) % among;
  }
};
constexpr int64_t kLargestStride = 1 << 15;  // for that product

// body(group) for each of them.
template <class Body>
void for_sampled_groups(int64_t groups, int64_t stride, Body&& body) {
  const GroupSample sample = GroupSample::of(groups, stride);
  for (int64_t i = 0; i < sample.count; ++i) body(sample.group(i));
}

}  // namespace cinch::codec
