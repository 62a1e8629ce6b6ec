// dither's values about the mean of their channel, in deviations of it: channels that differ share a code then, and
// each has as many levels as the others. Zeros stay zeros.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "cinch/codec.h"
#include "src/codec/entropy_coded/channel_rules.h"

namespace cinch::codec {

struct Channels {
  Grid grid;
  // A vector may be loaded from any of them.
  alignas(64) float mean[kMostChannels + 16], sigma[kMostChannels + 16], inverse[kMostChannels + 16];
};

// From a sample of each channel. Means stay 0 where zeros are frequent, since they
// have a symbol of their own, which values near them are to be near. Sides are rounded to their stored form.
void sample_channels(const Extent& in, const Grid& grid, Channels& channels) noexcept;

// The stored form, channels_bytes(grid) of it.
void store_channels(const Channels& channels, std::byte* out) noexcept;
// Believes nothing: CodecError where these are no channels of `numel` values. Gives the bytes that they take.
int64_t load_channels(std::string_view method, std::span<const std::byte> in, int64_t numel, Channels& channels);

// Values [first, first + count) of the tensor, which begin at `in` or `out`, and their deviations.
void to_deviations(const void* in, DType dtype, int64_t first, int64_t count, const Channels& channels,
                   float* out) noexcept;
void from_deviations(const float* in, int64_t first, int64_t count, const Channels& channels, DType dtype,
                     void* out) noexcept;

}  // namespace cinch::codec
