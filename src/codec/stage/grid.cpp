#include "src/codec/stage/grid.h"

#include <string>

#include "cinch/error.h"

namespace cinch::codec {
namespace {

std::string text_of(const Grid& g) {
  return std::to_string(g.outer) + " x (" + std::to_string(g.sides[0]) + " x " + std::to_string(g.sides[1]) + " x " +
         std::to_string(g.sides[2]) + ") x " + std::to_string(g.inner);
}

// What no payload has values of.
constexpr Grid kEmpty{0, {1, 1, 1}, 1, 1};

}  // namespace

Grid checked_grid(std::string_view method, const SideInfo& side, int64_t numel) {
  if (!side.grid) return numel == 0 ? kEmpty : Grid{1, {1, 1, numel}, 1, 1};
  const Grid& g = *side.grid;
  const auto refuse = [&](const std::string& why) {
    throw CodecError(std::string(method) + ": the grid " + text_of(g) + why);
  };
  if (g.outer < 0 || g.sides[0] < 0 || g.sides[1] < 0 || g.sides[2] < 0 || g.inner < 0) refuse(" has a negative size");
  if (g.inner > kMostInner || g.channels > kMostInner) refuse(" has more than 2^31 - 1 channels");
  if (g.channels < 1 || g.outer % g.channels != 0)
    refuse(": outer is no multiple of its " + std::to_string(g.channels) + " channels");
  const bool empty = g.outer == 0 || g.inner == 0 || g.sides[0] == 0 || g.sides[1] == 0 || g.sides[2] == 0;
  const int64_t slab = empty ? 0 : slab_within(g, numel);
  if (slab == 0 ? !(empty && numel == 0) : numel % slab != 0 || numel / slab != g.outer)
    refuse(" is not one of " + std::to_string(numel) + " values");
  return empty ? kEmpty : g;
}

void put_grid(const Grid& grid, Header& header) noexcept {
  for (int k = 0; k < 3; ++k) header.words[k] = grid.sides[static_cast<size_t>(k)];
  header.words[3] = grid.inner | grid.channels << 32;
}

Grid get_grid(std::string_view method, const Header& header) {
  Grid g = grid_in(header.words);
  if (header.numel == 0 && has_sizes(g)) return kEmpty;
  if (!fit_grid(g, header.numel)) throw_damaged(method, "its grid is not one of its values");
  return g;
}

}  // namespace cinch::codec
