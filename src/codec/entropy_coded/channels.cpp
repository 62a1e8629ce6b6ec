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

constexpr int64_t kMostOfChannel = 512, kShareOfChannel = 16;  // sampled: one value in 16, of small channels more
constexpr double kFrequentZeros = 1.0 / 16;
// A channel much quieter than the median of all, as its sample has it, may be louder elsewhere.
constexpr float kQuietest = 1.0f / 64, kSmallestSigma = 0x1p-100f;
constexpr double kLargestSigma = 0x1p100;
// Means are stored in sixteenths of a deviation; one too far from zero for that has a larger step instead.
constexpr float kMeanUnit = 0.0625f;
constexpr float kFarthest = 2040;

struct StoredGrid {
  int64_t positions, inner, channels;
};
struct StoredChannel {
  uint16_t sigma;  // bfloat16
  int16_t mean;    // in units of kMeanUnit * sigma
};

void set_channel(Channels& channels, int64_t c, StoredChannel s) noexcept {
  const float sigma = bf16_to_float(s.sigma);
  channels.sigma[c] = sigma;
  channels.inverse[c] = 1.0f / sigma;
  channels.mean[c] = static_cast<float>(s.mean) * (sigma * kMeanUnit);
}

StoredChannel stored(const Channels& channels, int64_t c) noexcept {
  // Exact: the sigma is a bfloat16 number, and the mean was made from the integer.
  return {float_to_bf16(channels.sigma[c]),
          static_cast<int16_t>(std::lrint(channels.mean[c] / (channels.sigma[c] * kMeanUnit)))};
}

}  // namespace

bool has_channels(const Grid& grid, int64_t numel) noexcept {
  const int64_t count = channel_count(grid);
  return count > 1 && count <= kMostChannels && numel / count >= kLeastOfChannel;
}

void sample_channels(const Extent& in, const Grid& grid, Channels& channels) noexcept {
  channels.grid = grid;
  const int64_t count = channel_count(grid), each = in.numel / count;
  const int64_t most = std::clamp(each / kShareOfChannel, std::min<int64_t>(128, each), kMostOfChannel);
  int64_t zeros = 0, values = 0;
  float deviations[kMostChannels];
  for (int64_t c = 0; c < count; ++c) {
    const ChannelMoments m = channel_moments(in, grid, c, most);
    zeros += m.zeros;
    values += m.count;
    channels.mean[c] = static_cast<float>(m.mean);
    channels.sigma[c] = deviations[c] = static_cast<float>(std::min(m.deviation, kLargestSigma));
  }
  std::nth_element(deviations, deviations + count / 2, deviations + count);
  const float quietest = deviations[count / 2] * kQuietest;
  const bool centred = static_cast<double>(zeros) < kFrequentZeros * static_cast<double>(values);
  for (int64_t c = 0; c < count; ++c) {
    const float mean = centred ? channels.mean[c] : 0.0f;
    const float deviation = std::max({channels.sigma[c], quietest, std::abs(mean) / kFarthest, kSmallestSigma});
    StoredChannel s{bf16_ceil(std::min(deviation, static_cast<float>(kLargestSigma))), 0};
    const float unit = bf16_to_float(s.sigma) * kMeanUnit;
    s.mean = static_cast<int16_t>(std::clamp(std::nearbyint(mean / unit), -32767.0f, 32767.0f));
    set_channel(channels, c, s);
  }
}

int64_t channels_bytes(const Grid& grid) noexcept {
  return align64(int64_t{sizeof(StoredGrid)} + channel_count(grid) * int64_t{sizeof(StoredChannel)});
}

void store_channels(const Channels& channels, std::byte* out) noexcept {
  std::memset(out, 0, static_cast<size_t>(channels_bytes(channels.grid)));
  const Grid& g = channels.grid;
  const StoredGrid grid{slab_positions(g), g.inner, g.channels};
  std::memcpy(out, &grid, sizeof grid);
  for (int64_t c = 0; c < channel_count(g); ++c) {
    const StoredChannel s = stored(channels, c);
    std::memcpy(out + sizeof grid + static_cast<size_t>(c) * sizeof s, &s, sizeof s);
  }
}

int64_t load_channels(std::string_view method, std::span<const std::byte> in, int64_t numel, Channels& channels) {
  StoredGrid stored_grid{};
  if (in.size() < sizeof stored_grid) throw_damaged(method, "it ends before its channels");
  std::memcpy(&stored_grid, in.data(), sizeof stored_grid);
  Header header;
  header.numel = numel;
  header.words[0] = header.words[1] = 1;
  header.words[2] = stored_grid.positions;
  const bool small = stored_grid.inner > 0 && stored_grid.inner <= kMostChannels && stored_grid.channels > 0 &&
                     stored_grid.channels <= kMostChannels && stored_grid.positions > 0;
  if (!small) throw_damaged(method, "its channels make no sense");
  header.words[3] = stored_grid.inner | stored_grid.channels << 32;
  channels.grid = get_grid(method, header);
  if (!has_channels(channels.grid, numel)) throw_damaged(method, "its channels make no sense");
  const int64_t bytes = channels_bytes(channels.grid);
  if (static_cast<int64_t>(in.size()) < bytes) throw_damaged(method, "it ends before its channels");
  for (int64_t c = 0; c < channel_count(channels.grid); ++c) {
    StoredChannel s;
    std::memcpy(&s, in.data() + sizeof stored_grid + static_cast<size_t>(c) * sizeof s, sizeof s);
    const float sigma = bf16_to_float(s.sigma);
    if (!(sigma >= kSmallestSigma) || !(sigma <= kLargestSigma)) throw_damaged(method, "a channel has no deviation");
    set_channel(channels, c, s);
  }
  return bytes;
}

}  // namespace cinch::codec
