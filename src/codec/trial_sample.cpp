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

// Of a slab a piece: so many positions along each side and values of each position, and where they begin.
struct Piece {
  std::array<int64_t, 3> sides{}, begin{};
  int64_t inner = 1, inner_begin = 0;

  int64_t positions() const noexcept { return sides[0] * sides[1] * sides[2]; }
  int64_t values() const noexcept { return positions() * inner; }
};

// A side is cut at a multiple of a block where it is long enough.
constexpr int64_t kBlock = 8;
int64_t places_along(const Grid& g, const Piece& piece, size_t k) noexcept {
  return (g.sides[k] - piece.sides[k]) / kBlock + 1;
}

// Of slabs of `inner` values a position. Larger maps are cut along their first sides.
Piece piece_of(const Grid& g, int64_t inner, int64_t most) noexcept {
  Piece piece{g.sides, {}, inner, 0};
  for (size_t k = 0; k < 3; ++k) {
    const int64_t values = piece.values();
    if (values <= most) break;
    int64_t kept = std::max<int64_t>(1, most / (values / piece.sides[k]));
    if (kept > kBlock) kept -= kept % kBlock;
    piece.sides[k] = kept;
  }
  return piece;
}

// Copies a piece of a slab, and returns where the next one goes.
std::byte* copy_piece(const Extent& in, const Grid& g, int64_t slab, const Piece& piece, std::byte* to) noexcept {
  const auto* from = static_cast<const std::byte*>(in.data);
  // A row of positions lies together where all of their values are wanted.
  const int64_t width = dtype_bytes(in.dtype), runs = piece.inner == g.inner ? 1 : piece.sides[2];
  const int64_t run = piece.sides[2] / runs * piece.inner * width;
  for (int64_t d = piece.begin[0]; d < piece.begin[0] + piece.sides[0]; ++d) {
    for (int64_t h = piece.begin[1]; h < piece.begin[1] + piece.sides[1]; ++h) {
      const int64_t position = ((slab * g.sides[0] + d) * g.sides[1] + h) * g.sides[2] + piece.begin[2];
      for (int64_t r = 0; r < runs; ++r, to += run)
        std::memcpy(to, from + ((position + r) * g.inner + piece.inner_begin) * width, static_cast<size_t>(run));
    }
  }
  return to;
}

TrialSample room_for(const Extent& in, const SideInfo& side, int64_t slabs, const Piece& piece, int64_t channels) {
  const int64_t numel = slabs * piece.values();
  TrialSample sample{TrialMemory(numel * dtype_bytes(in.dtype)), {}, side};
  sample.values = {sample.memory.data(), numel, in.dtype};
  sample.side.grid = Grid{slabs, piece.sides, piece.inner, channels};
  return sample;
}

struct Choice {
  int64_t images, channels;
};

// All channels of some images where two of them fit, else some channels of a few images.
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
  constexpr int64_t kPieces = 16;  // at least, of what is large: no map stands for all
  const int64_t most = std::max<int64_t>(1, max_samples / kPieces);
  // Rather few of the maps that lie within each other than a part of each: what a map has in common is its range.
  const int64_t inner = std::clamp<int64_t>(most / slab_positions(g), 1, g.inner);
  Piece piece = piece_of(g, inner, most);
  int64_t places = g.inner / inner;
  for (size_t k = 0; k < 3; ++k) places *= places_along(g, piece, k);
  const int64_t all = g.outer * places, pieces = std::clamp<int64_t>(max_samples / piece.values(), 1, all);
  TrialSample sample = room_for(in, side, pieces, piece, 1);
  std::byte* to = sample.memory.data();
  for (int64_t i = 0; i < pieces; ++i) {
    const int64_t picked = pick(i, pieces, all);
    int64_t place = picked % places;
    piece.inner_begin = place % (g.inner / inner) * inner;
    place /= g.inner / inner;
    for (size_t k = 3; k-- > 0; place /= places_along(g, piece, k))
      piece.begin[k] = place % places_along(g, piece, k) * kBlock;
    to = copy_piece(in, g, picked / places, piece, to);
  }
  return sample;
}

TrialSample sample_channels(const Extent& in, const SideInfo& side, int64_t max_samples) {
  const Grid& g = *side.grid;
  Piece piece = piece_of(g, g.inner, max_samples);
  for (size_t k = 0; k < 3; ++k)
    piece.begin[k] = static_cast<int64_t>(mix64(k) % static_cast<uint64_t>(places_along(g, piece, k))) * kBlock;
  const int64_t images = g.outer / g.channels;
  const Choice chosen = choose(images, g.channels, piece.values(), max_samples);
  TrialSample sample = room_for(in, side, chosen.images * chosen.channels, piece, chosen.channels);
  std::byte* to = sample.memory.data();
  for (int64_t i = 0; i < chosen.images; ++i) {
    const int64_t first = pick(i, chosen.images, images) * g.channels;
    for (int64_t c = 0; c < chosen.channels; ++c)
      to = copy_piece(in, g, first + pick(c, chosen.channels, g.channels), piece, to);
  }
  return sample;
}

}  // namespace cinch::codec
