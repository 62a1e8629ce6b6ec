// Max-pool indices as offsets in their window. Index = base of the window + table[code], where code counts the window's
// cells; the base follows from the place of the index in its tensor.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "cinch/codec.h"
#include "src/core/checksum.h"

namespace cinch::codec {

constexpr int64_t kMostCells = 1024;

// The geometry as kept in a payload: 64 bytes.
struct StoredPool {
  int32_t planes, channels, in_h, in_w, out_h, out_w, kernel_h, kernel_w, stride_h, stride_w, pad_h, pad_w, dilation_h,
      dilation_w;
  uint32_t channels_last;
  uint32_t checksum;  // of the 60 bytes before
};
static_assert(sizeof(StoredPool) == 64);

inline uint32_t pool_checksum(const StoredPool& s) noexcept { return checksum32(&s, offsetof(StoredPool, checksum)); }

inline StoredPool store(const PoolGeometry& p) noexcept {
  const auto i = [](int64_t v) { return static_cast<int32_t>(v); };
  StoredPool s{i(p.planes),
               i(p.channels),
               i(p.in_h),
               i(p.in_w),
               i(p.out_h),
               i(p.out_w),
               i(p.kernel_h),
               i(p.kernel_w),
               i(p.stride_h),
               i(p.stride_w),
               i(p.pad_h),
               i(p.pad_w),
               i(p.dilation_h),
               i(p.dilation_w),
               p.channels_last ? 1u : 0u,
               0};
  s.checksum = pool_checksum(s);
  return s;
}

inline PoolGeometry restore(const StoredPool& s) noexcept {
  PoolGeometry p;
  p.planes = s.planes, p.channels = s.channels, p.channels_last = s.channels_last != 0;
  p.in_h = s.in_h, p.in_w = s.in_w, p.out_h = s.out_h, p.out_w = s.out_w;
  p.kernel_h = s.kernel_h, p.kernel_w = s.kernel_w, p.stride_h = s.stride_h, p.stride_w = s.stride_w;
  p.pad_h = s.pad_h, p.pad_w = s.pad_w, p.dilation_h = s.dilation_h, p.dilation_w = s.dilation_w;
  return p;
}

// Whether offsets can describe `numel` indices of this geometry at all, without any overflow below.
inline bool is_usable(const PoolGeometry& p, int64_t numel) noexcept {
  constexpr int64_t kMost = std::numeric_limits<int32_t>::max() / 4;
  for (const int64_t v : {p.planes, p.channels, p.in_h, p.in_w, p.out_h, p.out_w, p.kernel_h, p.kernel_w, p.stride_h,
                          p.stride_w, p.dilation_h, p.dilation_w}) {
    if (v < 1 || v > kMost) return false;
  }
  if (p.pad_h < 0 || p.pad_w < 0 || p.pad_h > kMost || p.pad_w > kMost) return false;
  if (p.kernel_h > kMostCells || p.kernel_w > kMostCells || p.kernel_h * p.kernel_w > kMostCells) return false;
  if (p.in_h * p.in_w > (int64_t{1} << 40) || p.out_h * p.stride_h > (int64_t{1} << 31) ||
      p.out_w * p.stride_w > (int64_t{1} << 31))
    return false;
  if (p.dilation_h * p.in_w > (int64_t{1} << 40) || p.planes % p.channels != 0) return false;
  const int64_t cells = p.out_h * p.out_w;  // both below 2^29
  return numel % cells == 0 && numel / cells == p.planes;
}

inline int64_t cell_count(const PoolGeometry& p) noexcept { return p.kernel_h * p.kernel_w; }

// Neighbours in memory whose bases are `step` apart.
struct PoolRun {
  int64_t base, step, length;
};

// Steps through a tensor of indices in memory order, run by run.
class PoolWalk {
 public:
  PoolWalk(const PoolGeometry& p, int64_t element) : p_(p) {
    if (p.channels_last) {
      c_ = element % p.channels;
      element /= p.channels;
    }
    w_ = element % p.out_w;
    h_ = element / p.out_w % p.out_h;
  }
  // The next run, at most `most` long: along a row of windows, or along the channels of one window.
  PoolRun next(int64_t most) noexcept {
    const int64_t base = (h_ * p_.stride_h - p_.pad_h) * p_.in_w + (w_ * p_.stride_w - p_.pad_w);
    int64_t& place = p_.channels_last ? c_ : w_;
    const int64_t end = p_.channels_last ? p_.channels : p_.out_w;
    const PoolRun run{base, p_.channels_last ? 0 : p_.stride_w, std::min(most, end - place)};
    place += run.length;
    if (c_ == p_.channels && p_.channels_last) {
      c_ = 0;
      ++w_;
    }
    if (w_ == p_.out_w) {
      w_ = 0;
      if (++h_ == p_.out_h) h_ = 0;
    }
    return run;
  }

 private:
  const PoolGeometry& p_;
  int64_t c_ = 0, w_ = 0, h_ = 0;
};

// Distance of each cell from its window's base, and its inverse.
class PoolTable {
 public:
  explicit PoolTable(const PoolGeometry& p)
      : cells_(cell_count(p)),
        kernel_h_(p.kernel_h),
        kernel_w_(p.kernel_w),
        row_(p.dilation_h * p.in_w),
        dilation_w_(p.dilation_w) {
    for (int64_t i = 0; i < cells_; ++i)
      distance_[static_cast<size_t>(i)] = i / kernel_w_ * row_ + i % kernel_w_ * dilation_w_;
  }
  int64_t cells() const noexcept { return cells_; }
  int64_t distance(int64_t code) const noexcept { return distance_[static_cast<size_t>(code)]; }
  // A number that is no cell's where no cell has this distance. kPlain: no dilation along a row.
  template <bool kPlain>
  uint64_t code(int64_t distance) const noexcept {
    // Counting instead of dividing: kernels are small, 64-bit division is slow.
    int64_t row = 0, start = 0;
    for (int64_t i = 1; i < kernel_h_; ++i) {
      const bool below = distance >= i * row_;
      row += below;
      start += below ? row_ : 0;
    }
    const int64_t rest = distance - start;
    const int64_t column = kPlain ? rest : rest / dilation_w_;
    // Unsigned: negative distances are no cell's either. What a row leaves is its column times the dilation, or
    // nothing.
    const bool found =
        (static_cast<uint64_t>(column) < static_cast<uint64_t>(kernel_w_)) & (kPlain || column * dilation_w_ == rest);
    return found ? static_cast<uint64_t>(row * kernel_w_ + column) : kNoCell;
  }
  bool plain() const noexcept { return dilation_w_ == 1; }
  static constexpr uint64_t kNoCell = ~uint64_t{0};

 private:
  int64_t cells_, kernel_h_, kernel_w_, row_, dilation_w_;
  std::array<int64_t, kMostCells> distance_;
};

}  // namespace cinch::codec
