// What the header of error_bound's payload says of its levels, their prediction and its symbols. README.md draws it.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <string_view>

#include "src/codec/entropy_coded/bound_quantiser.h"
#include "src/codec/stage/grid.h"
#include "src/codec/stage/header.h"

namespace cinch::codec {

constexpr uint32_t kBoundMagic = make_magic('C', 'E', 'B', '1');

// Axes of a grid whose outer sides are too long for the header: one row, as without a grid.
constexpr Grid grid_in_header(const Grid& g) noexcept {
  constexpr int64_t kLongest = (int64_t{1} << 31) - 1;
  const bool fits = g.sides[0] <= kLongest && g.sides[1] <= kLongest;
  return fits ? g : Grid{1, {1, 1, g.outer * slab_values(g)}, 1, 1};
}

// Sides: the key of the draws, where there are any.
constexpr int64_t kKeyBytes = 64;
constexpr int64_t sides_of(const BoundQuantiser& q) noexcept { return q.dithered ? kKeyBytes : 0; }

constexpr void put_bound_quantiser(const BoundQuantiser& q, const Grid& g, Header& h) noexcept {
  h.kind = static_cast<uint8_t>((q.alphabet.paired ? 1 : 0) | (q.levels.zeros ? 2 : 0) | (q.lorenzo ? 4 : 0) |
                                (q.dithered ? 8 : 0));
  const auto low = [](auto v) { return static_cast<int64_t>(std::bit_cast<uint32_t>(v)); };
  h.words[0] = low(q.levels.step) | low(q.levels.origin) << 32;
  h.words[1] = low(q.alphabet.base) | g.inner << 32;
  h.words[2] = g.sides[2];
  h.words[3] = g.sides[1] | g.sides[0] << 32;
}

// The inverse, which looks at nothing; `grid` has no outer side.
constexpr BoundQuantiser bound_quantiser_in(const Header& h, Grid* grid) noexcept {
  BoundQuantiser q;
  const auto high = [](int64_t v) { return static_cast<uint32_t>(static_cast<uint64_t>(v) >> 32); };
  q.alphabet.paired = (h.kind & 1) != 0;
  q.levels.zeros = (h.kind & 2) != 0;
  q.lorenzo = (h.kind & 4) != 0;
  q.dithered = (h.kind & 8) != 0;
  q.levels.step = std::bit_cast<float>(static_cast<uint32_t>(h.words[0]));
  q.levels.origin = std::bit_cast<float>(high(h.words[0]));
  q.alphabet.base = static_cast<int32_t>(static_cast<uint32_t>(h.words[1]));
  *grid = Grid{1, {high(h.words[3]), static_cast<uint32_t>(h.words[3]), h.words[2]}, high(h.words[1]), 1};
  return q;
}

// Likewise, but believes nothing: CodecError where it makes no sense. `kinds`: what the header's kind may be at most.
inline BoundQuantiser get_bound_quantiser(std::string_view method, const Header& h, int kinds, Grid* grid) {
  const BoundQuantiser q = bound_quantiser_in(h, grid);
  if (h.kind > kinds || !(q.levels.step > 0) || !std::isfinite(q.levels.step) || !std::isfinite(q.levels.origin) ||
      q.alphabet.base < INT16_MIN || q.alphabet.base > INT16_MAX || (h.numel > 0 && !fit_grid(*grid, h.numel)))
    throw_damaged(method, "its header makes no sense");
  return q;
}

}  // namespace cinch::codec
