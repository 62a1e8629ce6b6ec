// What error_bound needs to know of its tensor before the first value is coded, from a sample: levels, whether
// neighbours predict them, the range of symbols and the prefix code.
#pragma once

#include <optional>

#include "src/codec/entropy_coded/bound_chunk.h"
#include "src/codec/entropy_coded/bound_rules.h"
#include "src/codec/entropy_coded/fit.h"

namespace cinch::codec {

struct BoundFit {
  BoundQuantiser quantiser;
  Code code;  // its bits_of_value holds what missed values cost as well
};

// Of at least one value. nullopt: nothing finite, a bound that float32 cannot work with, or one so fine that values
// stored as they are take no more. `key`: of draws, where the aim is to be dithered.
std::optional<BoundFit> fit_bound(const Extent& in, const Grid& grid, const BoundAim& aim, uint64_t key,
                                  const CodecContext& context);

}  // namespace cinch::codec
