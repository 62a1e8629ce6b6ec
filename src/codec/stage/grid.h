// The grid of a call: checked against numel, kept in a payload's header, cut into blocks.
#pragma once

#include <string_view>

#include "cinch/codec.h"
#include "src/codec/stage/header.h"
#include "src/core/checked.h"

namespace cinch::codec {

// The grid that `side` describes, or one row without one. Throws CodecError that names `method` where the grid makes no
// sense or is not that of `numel` values.
Grid checked_grid(std::string_view method, const SideInfo& side, int64_t numel);

// Into the header's words and back; outer follows from numel, which the header holds as well. The inverse believes
// nothing: it throws CodecError for a grid that is not one of header.numel values.
void put_grid(const Grid& grid, Header& header) noexcept;
Grid get_grid(std::string_view method, const Header& header);

// Steps of get_grid, for the host and for kernels, which read a payload's header on the device.
constexpr int64_t kMostInner = (int64_t{1} << 31) - 1;  // two of them share a word of the header
constexpr Grid grid_in(const int64_t* words) noexcept {
  Grid g;
  for (int k = 0; k < 3; ++k) g.sides[static_cast<size_t>(k)] = words[k];
  g.inner = words[3] & kMostInner;
  g.channels = words[3] >> 32;
  return g;
}
constexpr bool has_sizes(const Grid& g) noexcept {
  return g.sides[0] > 0 && g.sides[1] > 0 && g.sides[2] > 0 && g.inner > 0 && g.channels > 0;
}
// The product of sides and inner, all at least 1, or 0 where it is larger than `most`.
constexpr int64_t slab_within(const Grid& g, int64_t most) noexcept {
  int64_t slab = g.inner;
  for (size_t k = 0; k < 3; ++k) {
    if (g.sides[k] > most / slab) return 0;
    slab *= g.sides[k];
  }
  return slab <= most ? slab : 0;
}
// Sets `outer`; false where the grid is not one of `numel` values, of which there are some.
constexpr bool fit_grid(Grid& g, int64_t numel) noexcept {
  const int64_t slab = has_sizes(g) ? slab_within(g, numel) : 0;
  if (slab == 0 || numel % slab != 0 || numel / slab % g.channels != 0) return false;
  g.outer = numel / slab;
  return true;
}

constexpr int64_t slab_positions(const Grid& g) noexcept { return g.sides[0] * g.sides[1] * g.sides[2]; }
constexpr int64_t slab_values(const Grid& g) noexcept { return slab_positions(g) * g.inner; }
constexpr int64_t map_count(const Grid& g) noexcept { return g.outer * g.inner; }
constexpr int64_t channel_count(const Grid& g) noexcept { return g.channels * g.inner; }

// Blocks of `edge` positions along each side; the last one along a side is shorter where the side is no multiple.
struct Blocks {
  int64_t edge = 1;
  std::array<int64_t, 3> counts{1, 1, 1};
};
constexpr Blocks blocks_of(const Grid& g, int64_t edge) noexcept {
  return {edge, {ceil_div(g.sides[0], edge), ceil_div(g.sides[1], edge), ceil_div(g.sides[2], edge)}};
}
// Averages from here on decline the tensor; no residual of smaller ones overflows.
constexpr float kLargestAverage = 0x1p117f;
// Averages of one slab: blocks in memory order, `inner` for each.
constexpr int64_t slab_averages(const Grid& g, const Blocks& b) noexcept {
  return b.counts[0] * b.counts[1] * b.counts[2] * g.inner;
}
// A row of positions: where its averages begin in its slab's.
constexpr int64_t row_averages(const Grid& g, const Blocks& b, int64_t d, int64_t h) noexcept {
  return (d / b.edge * b.counts[1] + h / b.edge) * b.counts[2] * g.inner;
}

// A place in memory order and the averages of its row, moving on by runs: what is left of a row of positions (inner =
// 1), or of a position's values. Divides only at its start and where a run ends within a row.
class BlockCursor {
 public:
  BlockCursor(const Grid& grid, const Blocks& blocks, int64_t element) noexcept
      : g_(grid), b_(blocks), i_(element % g_.inner), w_(element / g_.inner % g_.sides[2]) {
    const int64_t line = element / g_.inner / g_.sides[2], slab = line / g_.sides[1] / g_.sides[0];
    h_ = line % g_.sides[1];
    d_ = line / g_.sides[1] % g_.sides[0];
    row_ = slab * slab_averages(g_, b_) + row_averages(g_, b_, d_, h_);
    column_ = w_ / b_.edge;
    rows_left_ = b_.edge - h_ % b_.edge;
  }
  int64_t run() const noexcept { return g_.inner == 1 ? g_.sides[2] - w_ : g_.inner - i_; }
  // Index of the first average that the run needs.
  int64_t average() const noexcept { return row_ + column_ * g_.inner + i_; }
  // Positions of the row from here to the end of the block, were the row long enough.
  int64_t left() const noexcept { return (column_ + 1) * b_.edge - w_; }
  // Whole positions from here on that share their averages; 0 within a position.
  int64_t positions() const noexcept {
    if (i_ != 0) return 0;
    const int64_t in_row = g_.sides[2] - w_;
    return in_row < left() ? in_row : left();
  }
  // By at most positions().
  void advance_positions(int64_t count) noexcept {
    w_ += count;
    if (w_ == (column_ + 1) * b_.edge) ++column_;
    if (w_ == g_.sides[2]) next_row();
  }
  // By at most run().
  void advance(int64_t count) noexcept {
    if (g_.inner == 1) {
      w_ += count;
      if (w_ < g_.sides[2]) column_ = w_ / b_.edge;
    } else {
      i_ += count;
      if (i_ < g_.inner) return;
      i_ = 0;
      if (++w_ == (column_ + 1) * b_.edge) ++column_;
    }
    if (w_ == g_.sides[2]) next_row();
  }

 private:
  void next_row() noexcept {
    const int64_t averages = b_.counts[2] * g_.inner;
    w_ = column_ = 0;
    if (++h_ < g_.sides[1]) {
      if (--rows_left_ > 0) return;
      rows_left_ = b_.edge;
      row_ += averages;
      return;
    }
    h_ = 0;
    rows_left_ = b_.edge;
    ++d_;
    if (d_ == g_.sides[0]) d_ = 0;
    // The same row of blocks once more where the next plane shares its blocks.
    row_ += d_ % b_.edge == 0 ? averages : averages * (1 - b_.counts[1]);
  }

  const Grid& g_;
  const Blocks& b_;
  int64_t i_, w_, h_ = 0, d_ = 0, row_ = 0, column_ = 0, rows_left_ = 0;
};

// Runs of values that belong to one map (inner = 1), or to maps that follow each other (the values of a position).
struct MapCursor {
  MapCursor(const Grid& grid, int64_t element) noexcept
      : g(grid), size(slab_values(grid)), slab(element / size), at(element % size), i(at % g.inner) {}
  // By whole positions of one slab.
  void advance_positions(int64_t count) noexcept {
    at += count * g.inner;
    if (at == size) at = 0, ++slab;
  }
  // body(offset, length, slab, inner index) for the next `count` values.
  template <class Body>
  void runs(int64_t count, Body&& body) {
    for (int64_t offset = 0; offset < count;) {
      const int64_t left = g.inner == 1 ? size - at : g.inner - i;
      const int64_t length = left < count - offset ? left : count - offset;
      body(offset, length, slab, i);
      offset += length;
      at += length;
      i += length;
      if (i >= g.inner) i = 0;
      if (at == size) at = 0, ++slab;
    }
  }

  const Grid& g;
  int64_t size, slab, at, i;
};

}  // namespace cinch::codec
