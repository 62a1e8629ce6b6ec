// Mean and deviation of one channel, from a sample of its values.
#pragma once

#include "cinch/codec.h"

namespace cinch::codec {

struct ChannelMoments {
  int64_t count = 0;   // finite values in the sample
  int64_t zeros = 0;   // of these
  bool finite = true;  // all of the sample's values
  double mean = 0, deviation = 0;
};

// Of about `most` values of the channel, in runs for the sake of caches, each anywhere in its share of the channel's
// positions: at even distances they could all lie at the edge of a map. The same on every machine. The grid is that of
// `in` and holds values.
ChannelMoments channel_moments(const Extent& in, const Grid& grid, int64_t channel, int64_t most) noexcept;

}  // namespace cinch::codec
