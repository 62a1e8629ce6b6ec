// How groups' elements are spread over the lanes of a warp that moves 16 bytes at a time.
#pragma once

#include "src/backend/warp.h"
#include "src/codec/fixed_rate/layout.h"
#include "src/codec/stage/chunk.h"

namespace cinch::codec {

using backend::kLanes;

constexpr int kRows = 2;         // of a pair: one draw gives the dither of both, and their codes are in one word
constexpr int kPairs = 8;        // of a group
constexpr int kPairsOfLane = 2;  // while a group is coded
constexpr int kPairLanes = kPairs / kPairsOfLane;

// Lanes that code. A lane owns a chunk of both rows of two pairs, so that it can code two rows with one addition. Lanes
// that share a row lie side by side.
template <class T>
struct GroupLanes {
  static constexpr int kValues = kChunkValues<T>;                      // of a chunk: 4 or 8
  static constexpr int kParts = static_cast<int>(kColumns) / kValues;  // chunks of a row: 4 or 2
  static constexpr int kLanesOfGroup = kParts * kPairLanes;            // 16 or 8
  static constexpr int kTogether = kLanes / kLanesOfGroup;             // groups of a warp: 2 or 4
  static constexpr int group(int lane) noexcept { return lane / kLanesOfGroup; }
  static constexpr bool is_first(int lane) noexcept { return lane % kLanesOfGroup == 0; }
  static constexpr int part(int lane) noexcept { return lane % kParts; }
  static constexpr int pair(int lane) noexcept { return lane % kLanesOfGroup / kParts; }  // and kPairLanes further
  // Where a lane's first chunk begins in its group, and how far from there the others do.
  static constexpr int begin(int lane) noexcept {
    return pair(lane) * kRows * static_cast<int>(kColumns) + part(lane) * kValues;
  }
  static constexpr int offset(int k, int row) noexcept {
    return (k * kPairLanes * kRows + row) * static_cast<int>(kColumns);
  }
};

// Values of a lane that codes.
template <class T>
struct LaneValues {
  Chunk at[kPairsOfLane][kRows];
  CINCH_DEVICE_FN float value(int k, int row, int column) const { return to_float(chunk_value<T>(at[k][row], column)); }
};

// Lanes that decode, a half of the warp each group: they store chunk after chunk. A lane has the same columns of rows
// of the same parity in all of them.
constexpr int kDecodedTogether = 2;
constexpr int kDecodingLanes = kLanes / kDecodedTogether;
template <class T>
struct DecodingLanes {
  static constexpr int kValues = kChunkValues<T>;
  static constexpr int kParts = static_cast<int>(kColumns) / kValues;
  static constexpr int kChunks = static_cast<int>(kGroup) / kDecodingLanes / kValues;  // of a lane: 4 or 2
  static constexpr int kStep = kPairs / kChunks;                                       // pairs between them: 2 or 4
  static constexpr int group(int lane) noexcept { return lane / kDecodingLanes; }
  static constexpr int part(int lane) noexcept { return lane % kParts; }
  static constexpr int row(int lane) noexcept { return lane / kParts % kRows; }
  static constexpr int pair(int lane) noexcept { return lane % kDecodingLanes / (kParts * kRows); }  // of chunk 0
  static constexpr int element(int lane, int chunk) noexcept {
    return (chunk * kDecodingLanes + lane % kDecodingLanes) * kValues;
  }
};

// Pieces of work: what a warp does at once.
template <class T>
constexpr int64_t encoding_pieces(int64_t numel) noexcept {
  return ceil_div(group_count(numel), GroupLanes<T>::kTogether);
}
constexpr int64_t decoding_pieces(int64_t numel) noexcept { return ceil_div(group_count(numel), kDecodedTogether); }

}  // namespace cinch::codec
