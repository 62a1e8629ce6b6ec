// How a group's elements and codes are spread over the lanes of a warp that moves 16 bytes at a time.
#pragma once

#include "src/backend/warp.h"
#include "src/codec/fixed_rate/layout.h"
#include "src/codec/stage/chunk.h"

namespace cinch::codec {

using backend::kLanes;
using backend::scatter_or;
using backend::scattered_begin;
using backend::Words;

constexpr int kTogether = 2;  // groups that a warp codes at once: 16 lanes a group make its draws and its sides
constexpr int kLanesOfGroup = kLanes / kTogether;

// Element (lane, load, i) of a group is at 16 * row + column + i.
template <class T>
struct GroupLanes {
  static constexpr int kValues = kChunkValues<T>;                               // of a load: 4 or 8
  static constexpr int kLoads = static_cast<int>(kGroup) / (kLanes * kValues);  // 2 or 1
  static constexpr int kRowLanes = static_cast<int>(kColumns) / kValues;        // lanes that share a row
  static constexpr int kLoadRows = kLanes / kRowLanes;  // rows that one load of all lanes covers
  static constexpr int row(int lane, int load) noexcept { return lane / kRowLanes + load * kLoadRows; }
  static constexpr int column(int lane) noexcept { return lane % kRowLanes * kValues; }
};

// Where the code of a row is in its column's words. At 1 bit the halves of a word hold 8 bits each, which are folded.
template <int kBits>
struct CodeWords {
  static constexpr int kPairs = kBits == 1 ? 8 : 16 / kBits;  // pairs of rows in a word
  static constexpr int block(int row) noexcept { return row / 2 / kPairs; }
  static constexpr int shift(int row) noexcept { return kBits * (row / 2 % kPairs) + row % 2 * 16; }
};

// Words of codes that a lane has a part in, and how the parts come together.
template <int kBits, class T>
struct CodeLanes {
  using Lanes = GroupLanes<T>;
  using Code = CodeWords<kBits>;
  // Loads whose rows lie in different words have a slot each.
  static constexpr int kSlots = Lanes::kLoads > 1 && 2 * Code::kPairs <= Lanes::kLoadRows ? Lanes::kLoads : 1;
  static constexpr int kSet = 2 * Code::kPairs < Lanes::kLoadRows ? 2 * Code::kPairs : Lanes::kLoadRows;
  static constexpr int kCount = kTogether * kSlots * Lanes::kValues;
  static constexpr int kHeld = kCount / kSet;  // words of a lane in the end
  static constexpr int slot(int load) noexcept { return kSlots > 1 ? load : 0; }
  static constexpr int word(int group, int slot, int i) noexcept {
    return (group * kSlots + slot) * Lanes::kValues + i;
  }
};

}  // namespace cinch::codec
