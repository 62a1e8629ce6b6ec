// What the least bytes for the symbols of an entropy-coded payload are, found without its coder: the decoded values
// tell which level each value has, and these are counted one by one. For figures beside coded bytes. No torch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "cinch/dtype.h"

namespace cinch::bench {

// First-order empirical entropy of the whole sequence: bits of a symbol times their number, over 8. Codes that look at
// several symbols at once, or change along the way, may go below it.
double empirical_entropy_bytes(std::span<const int32_t> symbols);

// A value that has no level (NaN, Inf, beyond 2^20 levels).
constexpr int32_t kNoLevel = INT32_MAX;
// dither: an exact zero.
constexpr int32_t kZeroSymbol = INT32_MIN;

// The symbols of a payload that the CPU made, and what it decodes to. dither: numbers of levels, exact zeros apart.
// error_bound, and dither predicted by neighbours: numbers of levels, exact zeros with a number of their own where the
// method has it so; where neighbours predict, the differences of these numbers within a chunk. Values that are stored
// as they are count with the level that they are nearest to, and their bytes do not. nullopt: no payload of these
// methods. Throws CodecError where a header makes no sense.
std::optional<std::vector<int32_t>> symbols_of(std::span<const std::byte> payload, const void* decoded, int64_t numel,
                                               DType dtype);

}  // namespace cinch::bench
