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
  int64_t groups = 0, stride = 1;

  constexpr int64_t count() const noexcept { return ceil_div(groups, stride); }
  constexpr int64_t group(int64_t i) const noexcept {
    const int64_t begin = i * stride, among = std::min(stride, groups - begin);
    return begin + static_cast<int64_t>(mix64(static_cast<uint64_t>(begin)) % static_cast<uint64_t>(among));
  }
};

// body(group) for each of them.
template <class Body>
void for_sampled_groups(int64_t groups, int64_t stride, Body&& body) {
  const GroupSample sample{groups, stride};
  for (int64_t i = 0; i < sample.count(); ++i) body(sample.group(i));
}

}  // namespace cinch::codec
