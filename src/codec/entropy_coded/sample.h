// Which groups of a tensor a sample looks at.
#pragma once

#include <algorithm>
#include <cstdint>

#include "src/core/mix.h"

namespace cinch::codec {

// body(group) for one group of each `stride` of `groups`, anywhere among them: at a constant distance samples would
// meet the same few channels wherever that distance shares factors with the size of a map.
template <class Body>
void for_sampled_groups(int64_t groups, int64_t stride, Body&& body) {
  for (int64_t begin = 0; begin < groups; begin += stride) {
    const int64_t among = std::min(stride, groups - begin);
    body(begin + static_cast<int64_t>(mix64(static_cast<uint64_t>(begin)) % static_cast<uint64_t>(among)));
  }
}

}  // namespace cinch::codec
