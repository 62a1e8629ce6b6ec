// One chunk of a payload: 32768 values as eight streams of letters, with what has no letter or no symbol behind them.
// Chunks are coded and decoded independently of each other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "src/codec/entropy_coded/letters.h"
#include "src/codec/entropy_coded/streams.h"
#include "src/core/checked.h"

namespace cinch::codec {

constexpr int64_t kValuesOfChunk = 32768;
constexpr int64_t kChunkGroups = kValuesOfChunk / kLetterGroup;
constexpr int64_t kChunkAlignment = 4;

struct ChunkHeader {
  uint16_t stream_bytes[kStreams] = {};
  uint16_t literals = 0;  // letters, a byte each, behind the streams
  uint16_t raws = 0;      // values, a float each, behind the literals; kVerbatim: the values as they are follow instead
};
static_assert(sizeof(ChunkHeader) == 20);
constexpr uint16_t kVerbatim = 0xffff;

// More raw values than this, and a chunk is stored verbatim.
constexpr int64_t kMostRaws = kValuesOfChunk / 4;
// Bytes that a chunk takes at most.
constexpr int64_t kChunkRoom = int64_t{sizeof(ChunkHeader)} + kValuesOfChunk * 4 + kStreams * 8;
// Literals and raw values wait in there until the streams before them are complete.
constexpr int64_t kRawsWait = kChunkRoom - kMostRaws * int64_t{sizeof(float)};
constexpr int64_t kLiteralsWait = kRawsWait - kValuesOfChunk;
static_assert(kLiteralsWait >= int64_t{sizeof(ChunkHeader)} + stream_room(kValuesOfChunk) + kStreams * 8);

// Codes values [0, numel) at `in`, numel <= 32768, `first` being the first one's group in the tensor. Writes to `out`,
// which has kChunkRoom bytes, and returns how many; a multiple of 4.
int64_t encode_chunk(const void* in, DType dtype, int64_t numel, int64_t first, const Quantiser& quantiser,
                     const CodeTable& table, std::byte* out) noexcept;

// `limit`: nothing is read there or behind. `stream`: write past the caches. False: damaged.
bool decode_chunk(std::span<const std::byte> chunk, const std::byte* limit, int64_t numel, int64_t first,
                  const Quantiser& quantiser, const DecodeTable& table, DType dtype, void* out, bool stream) noexcept;

}  // namespace cinch::codec
