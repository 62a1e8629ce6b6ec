// The loop that compares values with their partners, in small pieces on the stack.
#pragma once

#include <cstdint>
#include <span>

#include "src/codec/lossless/joint.h"

namespace cinch::codec {

// Words [begin, end) of each plane; bits beyond the last value are zero. Runs on threads of a pool and does not throw.
void compare_words(const Predicate& predicate, const Extent& first, const Partner& partner, int64_t begin, int64_t end,
                   std::span<uint64_t* const> planes);

}  // namespace cinch::codec
