// What the CPU and kernels share of dither's channels: which grids have any, the sides that follow from a sample, their
// stored form, and a value's way to deviations and back.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>

#include "src/codec/stage/channel_sample.h"
#include "src/codec/stage/grid.h"
#include "src/codec/stage/header.h"
#include "src/core/device_fn.h"
#include "src/core/float16.h"

namespace cinch::codec {

constexpr int64_t kMostChannels = 4096;   // so that their sides fit a stack
constexpr int64_t kLeastOfChannel = 256;  // values, for 4 bytes of sides

// Whether a tensor with this grid has channels worth telling apart.
constexpr bool has_channels(const Grid& grid, int64_t numel) noexcept {
  const int64_t count = channel_count(grid);
  return count > 1 && count <= kMostChannels && numel / count >= kLeastOfChannel;
}

// Values of a channel that are looked at, about: one in 16, of small channels more.
constexpr int64_t sampled_of_channel(const Grid& grid, int64_t numel) noexcept {
  const int64_t each = numel / channel_count(grid);
  return std::clamp<int64_t>(each / 16, std::min<int64_t>(128, each), 512);
}

// In a payload: the grid, then each channel, padded to 64 bytes.
struct StoredGrid {
  int64_t positions, inner, channels;
};
struct alignas(4) StoredChannel {
  uint16_t sigma;  // bfloat16
  int16_t mean;    // in units of kMeanUnit * sigma
};
static_assert(sizeof(StoredChannel) == 4);

constexpr int64_t channels_bytes(const Grid& grid) noexcept {
  return align64(int64_t{sizeof(StoredGrid)} + channel_count(grid) * int64_t{sizeof(StoredChannel)});
}

constexpr StoredGrid stored_grid(const Grid& g) noexcept { return {slab_positions(g), g.inner, g.channels}; }
// The inverse, which believes nothing: false where these are no channels of `numel` values.
constexpr bool fit_stored_grid(const StoredGrid& stored, int64_t numel, Grid& grid) noexcept {
  if (stored.positions <= 0 || stored.inner <= 0 || stored.inner > kMostChannels || stored.channels <= 0 ||
      stored.channels > kMostChannels)
    return false;
  grid = Grid{1, {1, 1, stored.positions}, stored.inner, stored.channels};
  return fit_grid(grid, numel) && has_channels(grid, numel);
}

// Means are stored in sixteenths of a deviation; one too far from zero for that has a larger step instead.
constexpr float kMeanUnit = 0.0625f, kFarthest = 2040;
constexpr float kSmallestSigma = 0x1p-100f, kLargestSigma = 0x1p100f;
// A channel much quieter than the median of all, as its sample has it, may be louder elsewhere.
constexpr float kQuietest = 1.0f / 64;

// Means are taken off unless zeros are frequent: these have a symbol of their own, which values near them are to be
// near.
constexpr bool takes_means(int64_t zeros, int64_t values) noexcept {
  return static_cast<double>(zeros) < static_cast<double>(values) / 16;
}

// Sides of a channel with these moments, `quietest` being the least deviation of any.
CINCH_DEVICE_FN StoredChannel channel_side(float mean, float deviation, float quietest) {
  const float far = (mean < 0 ? -mean : mean) / kFarthest;
  const float loud = std::max(std::max(deviation, quietest), far);
  const float sigma = loud < kSmallestSigma ? kSmallestSigma : loud > kLargestSigma ? kLargestSigma : loud;
  StoredChannel s{bf16_ceil(sigma), 0};
  const float units = mean / (bf16_to_float(s.sigma) * kMeanUnit);
  // Adding 1.5 * 2^23 rounds to an integer, on either machine.
  const float kept = units < -32767.0f ? -32767.0f : units > 32767.0f ? 32767.0f : units;
  s.mean = static_cast<int16_t>((kept + 12582912.0f) - 12582912.0f);
  return s;
}
// Sides that change no value: of a tensor whose room for sides is there before it is known that it is one value alone.
constexpr StoredChannel kSameSide{0x3f80, 0};

struct ChannelSteps {
  float mean, sigma, inverse;
};
CINCH_DEVICE_FN ChannelSteps channel_steps(StoredChannel s) {
  const float sigma = bf16_to_float(s.sigma);
  return {static_cast<float>(s.mean) * (sigma * kMeanUnit), sigma, 1.0f / sigma};
}

// Deviations that are no zeros although the value is the mean itself; and values that are not although they come out at
// zero, in shares of a deviation.
constexpr float kAlmostZero = 0x1p-30f, kSmallestShare = 0x1p-24f;

// As channels_kernels.cpp has them, for rows of values.
CINCH_DEVICE_FN float to_deviation(float x, const ChannelSteps& s) {
  const float y = (x - s.mean) * s.inverse;
  return x == 0.0f ? 0.0f : y == 0.0f ? kAlmostZero : y;
}
CINCH_DEVICE_FN float from_deviation(float y, const ChannelSteps& s) {
  const float x = s.mean + y * s.sigma;
  return y == 0.0f ? 0.0f : x == 0.0f ? s.sigma * kSmallestShare : x;
}

}  // namespace cinch::codec
