#include "src/codec/entropy_coded/channels.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "src/codec/stage/channel_moments.h"
#include "src/codec/stage/grid.h"
#include "src/codec/stage/header.h"
#include "src/core/float16.h"

namespace cinch::codec {
namespace {

void set_channel(Channels& channels, int64_t c, StoredChannel s) noexcept {
  const ChannelSteps steps = channel_steps(s);
  channels.mean[c] = steps.mean;
  channels.sigma[c] = steps.sigma;
  channels.inverse[c] = steps.inverse;
}

StoredChannel stored(const Channels& channels, int64_t c) noexcept {
  // Exact: the sigma is a bfloat16 number, and the mean was made from the integer.
  return {float_to_bf16(channels.sigma[c]),
          static_cast<int16_t>(std::lrint(channels.mean[c] / (channels.sigma[c] * kMeanUnit)))};
}

}  // namespace

void sample_channels(const Extent& in, const Grid& grid, Channels& channels) noexcept {
  channels.grid = grid;
  const int64_t count = channel_count(grid), most = sampled_of_channel(grid, in.numel);
  int64_t zeros = 0, values = 0;
  float deviations[kMostChannels];
  for (int64_t c = 0; c < count; ++c) {
    const ChannelMoments m = channel_moments(in, grid, c, most);
    zeros += m.zeros;
    values += m.count;
    channels.mean[c] = static_cast<float>(m.mean);
    channels.sigma[c] = deviations[c] = static_cast<float>(std::min(m.deviation, static_cast<double>(kLargestSigma)));
  }
  std::nth_element(deviations, deviations + count / 2, deviations + count);
  const float quietest = deviations[count / 2] * kQuietest;
  const bool centred = takes_means(zeros, values);
  for (int64_t c = 0; c < count; ++c)
    set_channel(channels, c, channel_side(centred ? channels.mean[c] : 0.0f, channels.sigma[c], quietest));
}

void store_channels(const Channels& channels, std::byte* out) noexcept {
  std::memset(out, 0, static_cast<size_t>(channels_bytes(channels.grid)));
  const StoredGrid grid = stored_grid(channels.grid);
  std::memcpy(out, &grid, sizeof grid);
  for (int64_t c = 0; c < channel_count(channels.grid); ++c) {
    const StoredChannel s = stored(channels, c);
    std::memcpy(out + sizeof grid + static_cast<size_t>(c) * sizeof s, &s, sizeof s);
  }
}

int64_t load_channels(std::string_view method, std::span<const std::byte> in, int64_t numel, Channels& channels) {
  StoredGrid grid{};
  if (in.size() < sizeof grid) throw_damaged(method, "it ends before its channels");
  std::memcpy(&grid, in.data(), sizeof grid);
  if (!fit_stored_grid(grid, numel, channels.grid)) throw_damaged(method, "its channels make no sense");
  const int64_t bytes = channels_bytes(channels.grid);
  if (static_cast<int64_t>(in.size()) < bytes) throw_damaged(method, "it ends before its channels");
  for (int64_t c = 0; c < channel_count(channels.grid); ++c) {
    StoredChannel s;
    std::memcpy(&s, in.data() + sizeof grid + static_cast<size_t>(c) * sizeof s, sizeof s);
    const float sigma = bf16_to_float(s.sigma);
    if (!(sigma >= kSmallestSigma) || !(sigma <= kLargestSigma)) throw_damaged(method, "a channel has no deviation");
    set_channel(channels, c, s);
  }
  return bytes;
}

}  // namespace cinch::codec
