#include "src/codec/trial_sample.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "src/codec/stage/grid.h"
#include "src/core/mix.h"

namespace cinch::codec {
namespace {

// Number i of `wanted` out of `all`: one of each share, anywhere in it. At constant distances a sample may meet the
// same few channels.
int64_t pick(int64_t i, int64_t wanted, int64_t all) noexcept {
  const int64_t begin = all / wanted * i + std::min(i, all % wanted);
  const int64_t among = all / wanted + (i < all % wanted ? 1 : 0);
  return begin + static_cast<int64_t>(mix64(static_cast<uint64_t>(begin)) % static_cast<uint64_t>(among));
}

// Of each map a piece: positions from `begin` on along each side.
struct Piece {
  std::array<int64_t, 3> begin{}, sides{};
};

// Larger maps are cut along their first sides, at a multiple of a block where the side is long enough.
Piece piece_of(const Grid& g, int64_t most) noexcept {
  constexpr int64_t kBlock = 8;
  Piece piece{{}, g.sides};
  for (size_t k = 0; k < 3; ++k) {
    const int64_t values = piece.sides[0] * piece.sides[1] * piece.sides[2] * g.inner;
    if (values <= most) break;
    int64_t kept = std::max<int64_t>(1, most / (values / piece.sides[k]));
    if (kept > kBlock) kept -= kept % kBlock;
    const int64_t places = (g.sides[k] - kept) / kBlock + 1;
    piece.begin[k] = static_cast<int64_t>(mix64(k) % static_cast<uint64_t>(places)) * kBlock;
    piece.sides[k] = kept;
  }
  return piece;
}

struct Choice {
  int64_t images, channels;
};

// All channels of some images where two of them fit, else some channels of a few images: methods look at a channel's
// values in several.
Choice choose(int64_t images, int64_t channels, int64_t piece_values, int64_t most) noexcept {
  constexpr int64_t kFewImages = 4;
  const int64_t image = channels * piece_values;
  if (2 * image <= most) return {std::min(images, most / image), channels};
  const int64_t few = std::clamp<int64_t>(most / piece_values, 1, std::min(images, kFewImages));
  return {few, std::clamp<int64_t>(most / (piece_values * few), 1, channels)};
}

}  // namespace

TrialSample sample_groups(const Extent& in, const SideInfo& side, int64_t max_samples) {
  const int64_t width = dtype_bytes(in.dtype), whole = in.numel / kStatsGroup;
  const int64_t groups = std::clamp<int64_t>(max_samples / kStatsGroup, 1, whole), numel = groups * kStatsGroup;
  TrialSample sample{TrialMemory(numel * width), {}, side};
  sample.values = {sample.memory.data(), numel, in.dtype};
  const auto* from = static_cast<const std::byte*>(in.data);
  const auto bytes = static_cast<size_t>(kStatsGroup * width);
  for (int64_t i = 0; i < groups; ++i)
    std::memcpy(sample.memory.data() + static_cast<size_t>(i) * bytes,
                from + static_cast<size_t>(pick(i, groups, whole)) * bytes, bytes);
  return sample;
}

TrialSample sample_maps(const Extent& in, const SideInfo& side, int64_t max_samples) {
  const Grid& g = *side.grid;
  const Piece piece = piece_of(g, max_samples);
  const int64_t width = dtype_bytes(in.dtype), images = g.outer / g.channels;
  const int64_t piece_values = piece.sides[0] * piece.sides[1] * piece.sides[2] * g.inner;
  const Choice chosen = choose(images, g.channels, piece_values, max_samples);
  const int64_t slabs = chosen.images * chosen.channels;
  TrialSample sample{TrialMemory(slabs * piece_values * width), {}, side};
  sample.values = {sample.memory.data(), slabs * piece_values, in.dtype};
  sample.side.grid = Grid{slabs, piece.sides, g.inner, chosen.channels};
  const auto* from = static_cast<const std::byte*>(in.data);
  std::byte* to = sample.memory.data();
  const int64_t row = piece.sides[2] * g.inner * width;
  for (int64_t s = 0; s < slabs; ++s) {
    const int64_t image = pick(s / chosen.channels, chosen.images, images);
    const int64_t slab = image * g.channels + pick(s % chosen.channels, chosen.channels, g.channels);
    for (int64_t d = piece.begin[0]; d < piece.begin[0] + piece.sides[0]; ++d) {
      for (int64_t h = piece.begin[1]; h < piece.begin[1] + piece.sides[1]; ++h, to += row) {
        const int64_t position = ((slab * g.sides[0] + d) * g.sides[1] + h) * g.sides[2] + piece.begin[2];
        std::memcpy(to, from + position * g.inner * width, static_cast<size_t>(row));
      }
    }
  }
  return sample;
}

}  // namespace cinch::codec
