// Sides of fixed_point: the cells of each channel, from the mean and the standard deviation of a sample of its values.
#pragma once

#include "cinch/codec.h"
#include "src/codec/fixed_rate/fixed_point_kernels.h"

namespace cinch::codec {

// Values of a channel that are looked at; more of them where channels are few, since there is no other to make up for
// one whose sample misleads.
constexpr int64_t kChannelSample = 512, kTensorSample = 16384;

// Cells of a channel with these moments: 2^bits of them, an edge at zero. Where zero is within 3 deviations of the mean
// they span these; elsewhere they reach from one cell beyond zero to the far end.
ChannelSides channel_cells(double mean, double deviation, int bits, DType dtype) noexcept;

// Sides of channels [first, last), the same on every machine. False: a value of the sample is not finite.
bool channel_sides(const Extent& in, const Grid& grid, int bits, int64_t first, int64_t last,
                   ChannelSides* sides) noexcept;

}  // namespace cinch::codec
