// How two groups' elements and codes are spread over the lanes of a warp that moves 16 bytes at a time.
#pragma once

#include "src/backend/warp.h"
#include "src/codec/fixed_rate/layout.h"
#include "src/codec/stage/chunk.h"

namespace cinch::codec {

using backend::kLanes;
using backend::kLanesOfHalf;

constexpr int kTogether = 2;  // groups that a warp codes at once: each half of its lanes owns one
constexpr int kRowsOfLane = 2, kColumnsOfLane = 8;
static_assert(kLanesOfHalf * kRowsOfLane * kColumnsOfLane == kGroup && kLanesOfHalf * kTogether == kLanes);

// A lane owns rows 2 * pair and 2 * pair + 1 of eight columns: one draw gives the dither of both rows, and their codes
// are in the same word, 16 bits apart. The two lanes of a pair take turns, so that together they read 32 bytes in a
// row.
template <class T>
struct GroupLanes {
  static constexpr int kValues = kChunkValues<T>;           // of a chunk: 4 or 8
  static constexpr int kChunks = kColumnsOfLane / kValues;  // of a lane in a row: 2 or 1
  static constexpr int group(int lane) noexcept { return lane / kLanesOfHalf; }
  static constexpr int pair(int lane) noexcept { return lane % kLanesOfHalf / 2; }
  static constexpr int column(int lane, int chunk) noexcept { return (chunk * 2 + lane % 2) * kValues; }
  // Where a lane's first chunk begins in its group, and how far from there the others do.
  static constexpr int begin(int lane) noexcept {
    return 2 * pair(lane) * static_cast<int>(kColumns) + lane % 2 * kValues;
  }
  static constexpr int offset(int row, int chunk) noexcept {
    return row * static_cast<int>(kColumns) + chunk * 2 * kValues;
  }
};

// Values of a lane.
template <class T>
struct LaneValues {
  Chunk at[kRowsOfLane][GroupLanes<T>::kChunks];
  CINCH_DEVICE_FN float value(int row, int column) const {
    constexpr int kValues = GroupLanes<T>::kValues;
    return to_float(chunk_value<T>(at[row][column / kValues], column % kValues));
  }
};

// Sides of a group with a value that cannot be coded: it decodes to NaN, which no training loop overlooks. The CPU
// codec declines the tensor instead; a kernel cannot, since nobody waits for its answer.
constexpr Sides kPoisoned{0x7fc0, 0x7fc0};
constexpr bool is_poisoned(Sides s) noexcept { return s.step == kPoisoned.step; }

}  // namespace cinch::codec
