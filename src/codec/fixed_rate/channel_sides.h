// Sides of fixed_point: the cells of each channel, from the mean and the standard deviation of a sample of its values.
#pragma once

#include "cinch/codec.h"
#include "src/codec/fixed_rate/fixed_point_kernels.h"

namespace cinch::codec {

// Sides of channels [first, last), the same on every machine. False: a value of the sample is not finite.
bool channel_sides(const Extent& in, const Grid& grid, int bits, int64_t first, int64_t last,
                   ChannelSides* sides) noexcept;

}  // namespace cinch::codec
