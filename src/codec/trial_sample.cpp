#include "src/codec/trial_sample.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "src/codec/entropy_coded/channel_rules.h"
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

constexpr int64_t kBlock = 8;

// Of slabs of `inner` values a position. Larger maps are cut along their first sides, to less than a block only where
// all sides are blocks.
Piece piece_of(const Grid& g, int64_t inner, int64_t most) noexcept {
  Piece piece{g.sides, {}, inner, 0};
  for (const int64_t least : {kBlock, int64_t{1}}) {
    for (int64_t& side : piece.sides) {
      const int64_t values = piece.values();
      if (values <= most) return piece;
      int64_t kept = std::min(side, std::max(least, most / (values / side)));
      if (kept < side && kept > kBlock) kept -= kept % kBlock;
      side = kept;
    }
  }
  return piece;
}

// Places of `kept` out of `all`, so many apart, the last one at the end.
int64_t places_of(int64_t kept, int64_t all) noexcept { return ceil_div(all - kept, std::min(kept, kBlock)) + 1; }
int64_t place_of(int64_t i, int64_t kept, int64_t all) noexcept {
  return std::min(i * std::min(kept, kBlock), all - kept);
}
// Places of the piece in a slab, of all values of a position that it takes.
int64_t places_in(const Grid& g, const Piece& piece) noexcept {
  int64_t places = ceil_div(g.inner, piece.inner);
  for (size_t k = 0; k < 3; ++k) places *= places_of(piece.sides[k], g.sides[k]);
  return places;
}
void put_at(int64_t place, const Grid& g, Piece& piece) noexcept {
  const int64_t parts = ceil_div(g.inner, piece.inner);
  piece.inner_begin = std::min(place % parts * piece.inner, g.inner - piece.inner);
  place /= parts;
  for (size_t k = 3; k-- > 0;) {
    const int64_t places = places_of(piece.sides[k], g.sides[k]);
    piece.begin[k] = place_of(place % places, piece.sides[k], g.sides[k]);
    place /= places;
  }
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

}  // namespace

TrialSample sample_groups(const Extent& in, const SideInfo& side, int64_t max_samples) {
  const int64_t width = dtype_bytes(in.dtype), whole = in.numel / kStatsGroup;
  const int64_t groups = std::clamp<int64_t>(max_samples / kStatsGroup, 1, whole), numel = groups * kStatsGroup;
  TrialSample sample{TrialMemory(numel * width), {}, side};
  sample.values = {sample.memory.data(), numel, in.dtype};
  sample.side.grid.reset();
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
  const int64_t places = places_in(g, piece), all = g.outer * places;
  const int64_t pieces = std::clamp<int64_t>(max_samples / piece.values(), 1, all);
  TrialSample sample = room_for(in, side, pieces, piece, 1);
  std::byte* to = sample.memory.data();
  for (int64_t i = 0; i < pieces; ++i) {
    const int64_t picked = pick(i, pieces, all);
    put_at(picked % places, g, piece);
    to = copy_piece(in, g, picked / places, piece, to);
  }
  return sample;
}

TrialSample sample_channels(const Extent& in, const SideInfo& side, int64_t max_samples) {
  const Grid& g = *side.grid;
  // Of each image a piece, so small that all channels of several images find room; fewer channels before a channel has
  // too few values to be told apart.
  constexpr int64_t kImages = 8, kLeastImages = 4;
  const int64_t inner = std::clamp<int64_t>(max_samples / kLeastOfChannel, 1, g.inner);
  Piece piece = piece_of(g, inner, std::max(kLeastOfChannel, max_samples / (kImages * g.channels)));
  // Of many inner indices the same ones everywhere.
  const int64_t parts = ceil_div(g.inner, inner), part = pick(0, 1, parts), places = places_in(g, piece) / parts;
  const int64_t all = g.outer / g.channels * places, values = piece.values();
  const int64_t least = std::max(kLeastImages, ceil_div(kLeastOfChannel, piece.positions()));
  const int64_t images = std::min(all, std::max(least, max_samples / (values * g.channels)));
  const int64_t channels = std::clamp(max_samples / (values * images), std::min<int64_t>(2, g.channels), g.channels);
  TrialSample sample = room_for(in, side, images * channels, piece, channels);
  std::byte* to = sample.memory.data();
  for (int64_t i = 0; i < images; ++i) {
    const int64_t picked = pick(i, images, all), first = picked / places * g.channels;
    put_at(picked % places * parts + part, g, piece);
    for (int64_t c = 0; c < channels; ++c) to = copy_piece(in, g, first + pick(c, channels, g.channels), piece, to);
  }
  return sample;
}

}  // namespace cinch::codec
