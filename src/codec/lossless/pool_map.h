// A max-pool's windows in the numbers that a kernel works with: 32 bits for places, 64 for what they make of them. For
// device and walk.
#pragma once

#include "src/codec/lossless/pool_windows.h"
#include "src/core/device_fn.h"

namespace cinch::codec {

// Each number is below 2^29 (is_usable), but for the distances.
struct PoolMap {
  uint32_t channels;  // neighbours in memory that share a window: 1 unless channels_last
  uint32_t out_w, out_h, kernel_w, kernel_h;
  int32_t in_w, stride_w, stride_h, pad_w, pad_h;
  uint32_t dilation_h;
  uint32_t column, row;  // distances of neighbouring cells
  uint32_t span;         // distance of the last cell
};

// Whether distances in a window fit a PoolMap. A window that reaches over 2^31 elements is left to the CPU.
inline bool is_mappable(const PoolGeometry& p) noexcept {
  return (p.kernel_h - 1) * p.dilation_h * p.in_w + (p.kernel_w - 1) * p.dilation_w < (int64_t{1} << 31);
}

constexpr PoolMap map_of(const StoredPool& s) noexcept {
  PoolMap m{};
  m.channels = s.channels_last != 0 ? static_cast<uint32_t>(s.channels) : 1;
  m.out_w = static_cast<uint32_t>(s.out_w);
  m.out_h = static_cast<uint32_t>(s.out_h);
  m.kernel_w = static_cast<uint32_t>(s.kernel_w);
  m.kernel_h = static_cast<uint32_t>(s.kernel_h);
  m.in_w = s.in_w;
  m.stride_w = s.stride_w, m.stride_h = s.stride_h, m.pad_w = s.pad_w, m.pad_h = s.pad_h;
  m.dilation_h = static_cast<uint32_t>(s.dilation_h);
  m.column = static_cast<uint32_t>(s.dilation_w);
  // A single row has no distance to the next one; one that is too large for 32 bits must not become zero.
  m.row = m.kernel_h > 1 ? m.dilation_h * static_cast<uint32_t>(s.in_w) : 1;
  m.span = (m.kernel_h - 1) * m.row + (m.kernel_w - 1) * m.column;
  return m;
}

// Whose window: column and row of the output, and the channel where channels are neighbours.
struct PoolPlace {
  uint32_t c, w, h;
};

CINCH_DEVICE_FN PoolPlace place_at(const PoolMap& m, int64_t element) {
  const auto e = static_cast<uint64_t>(element);
  const uint64_t window = e / m.channels, line = window / m.out_w;
  return {static_cast<uint32_t>(e - window * m.channels), static_cast<uint32_t>(window - line * m.out_w),
          static_cast<uint32_t>(line % m.out_h)};
}

// `by` elements further on in memory, less than 2^30.
CINCH_DEVICE_FN PoolPlace moved(const PoolMap& m, PoolPlace p, uint32_t by) {
  const uint32_t c = p.c + by, w = p.w + c / m.channels, h = p.h + w / m.out_w;
  return {c % m.channels, w % m.out_w, h % m.out_h};
}

CINCH_DEVICE_FN void advance(const PoolMap& m, PoolPlace& p) {
  if (++p.c < m.channels) return;
  p.c = 0;
  if (++p.w < m.out_w) return;
  p.w = 0;
  if (++p.h == m.out_h) p.h = 0;
}

CINCH_DEVICE_FN int32_t left_of(const PoolMap& m, PoolPlace p) {
  return static_cast<int32_t>(p.w) * m.stride_w - m.pad_w;
}
CINCH_DEVICE_FN int32_t top_of(const PoolMap& m, PoolPlace p) {
  return static_cast<int32_t>(p.h) * m.stride_h - m.pad_h;
}
// Index of the window's first cell, which may be in the padding.
CINCH_DEVICE_FN int64_t base_of(const PoolMap& m, PoolPlace p) {
  return static_cast<int64_t>(top_of(m, p)) * m.in_w + left_of(m, p);
}

constexpr uint32_t kNoCell = ~uint32_t{0};

// The cell at this distance from the window's base; kNoCell where there is none, as for every negative distance.
CINCH_DEVICE_FN uint32_t cell_at(const PoolMap& m, uint64_t distance) {
  if (distance > m.span) return kNoCell;
  const auto d = static_cast<uint32_t>(distance);
  const uint32_t below = d / m.row, row = below < m.kernel_h ? below : m.kernel_h - 1, rest = d - row * m.row;
  const uint32_t column = m.column == 1 ? rest : rest / m.column;
  return column < m.kernel_w && column * m.column == rest ? row * m.kernel_w + column : kNoCell;
}

CINCH_DEVICE_FN uint64_t distance_of(const PoolMap& m, uint32_t cell) {
  const uint32_t row = cell / m.kernel_w;
  return static_cast<uint64_t>(row) * m.row + static_cast<uint64_t>(cell - row * m.kernel_w) * m.column;
}

// The window's first cell that is not in the padding: it stands for an index outside of the window, so that no backward
// writes outside of its plane.
CINCH_DEVICE_FN uint32_t inner_cell(const PoolMap& m, PoolPlace p) {
  const auto outside = [](int32_t begin, uint32_t step, uint32_t count) {
    const uint32_t cells = begin < 0 ? (static_cast<uint32_t>(-begin) + step - 1) / step : 0;
    return cells < count ? cells : count - 1;
  };
  return outside(top_of(m, p), m.dilation_h, m.kernel_h) * m.kernel_w + outside(left_of(m, p), m.column, m.kernel_w);
}

}  // namespace cinch::codec
