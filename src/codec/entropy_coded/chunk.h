// One chunk of a payload: 32768 values as eight streams of letters, with what has no letter or no symbol behind them.
// Chunks are coded and decoded independently of each other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "src/codec/entropy_coded/alphabet.h"
#include "src/codec/entropy_coded/streams.h"
#include "src/core/checked.h"

namespace cinch::codec {

constexpr int64_t kValuesOfChunk = 32768;
constexpr int64_t kChunkGroups = kValuesOfChunk / kLetterGroup;
constexpr int64_t kChunkAlignment = 4;

struct ChunkHeader {
  uint16_t stream_bytes[kStreams] = {};
  uint16_t literals = 0;  // letters, a byte each, behind the streams
  uint16_t raws = 0;      // behind the literals; kVerbatim: the values as they are follow instead
};
static_assert(sizeof(ChunkHeader) == 20);
constexpr uint16_t kVerbatim = 0xffff;

// More bytes of raw values than this, and a chunk is stored verbatim.
constexpr int64_t kMostRawBytes = kValuesOfChunk;
// Bytes that a chunk takes at most.
constexpr int64_t kChunkRoom = int64_t{sizeof(ChunkHeader)} + kValuesOfChunk * 4 + kStreams * 8;
// Literals and raw values wait in there until the streams before them are complete.
constexpr int64_t kRawsWait = kChunkRoom - kMostRawBytes;
constexpr int64_t kLiteralsWait = kRawsWait - kValuesOfChunk;
static_assert(kLiteralsWait >= int64_t{sizeof(ChunkHeader)} + stream_room(kValuesOfChunk) + kStreams * 8);

// Groups of the chunk that one stream holds.
constexpr int64_t kGroupsOfStream = kChunkGroups / kStreams;

// Where the letters of a chunk come from. Values are numbered within the chunk.
class ChunkSource {
 public:
  virtual ~ChunkSource() = default;
  // Of whole groups, at most kGroupsOfStream; values behind the chunk's last one get any letter that holds no raw.
  virtual void letters(int64_t group, int64_t groups, uint8_t* out) noexcept = 0;
  // A value of those groups that no symbol holds.
  virtual void raw(int64_t value, std::byte* out) noexcept = 0;
  // Bytes that follow the raw values, at most `room`; negative: more than that.
  virtual int64_t finish(std::byte*, int64_t /*room*/) noexcept { return 0; }
  // What is read next, to be fetched into the cache while a stream of `groups` is coded.
  virtual std::span<const std::byte> ahead(int64_t /*group*/, int64_t /*groups*/) const noexcept { return {}; }
};

// Where they go.
class ChunkSink {
 public:
  virtual ~ChunkSink() = default;
  virtual void letters(int64_t group, int64_t groups, const uint8_t* in) noexcept = 0;
  // `value` is one of those groups, and below the chunk's number of values.
  virtual void raw(int64_t value, const std::byte* in) noexcept = 0;
  // All of these groups is known.
  virtual void complete(int64_t /*group*/, int64_t /*groups*/) noexcept {}
  // What follows the raw values, padding included. False: damaged.
  virtual bool finish(std::span<const std::byte>) noexcept { return true; }
};

// A chunk of `numel` values, 1 to 32768; `values` are their bytes, which are stored where that takes fewer. Writes to
// `out`, which has kChunkRoom bytes, and returns how many; a multiple of 4.
int64_t encode_chunk(ChunkSource& source, std::span<const std::byte> values, int64_t numel, const Alphabet& alphabet,
                     const CodeTable& table, std::byte* out) noexcept;

// `limit`: nothing is read there or behind. Either all of `values` is written or the sink is told. False: damaged.
bool decode_chunk(std::span<const std::byte> chunk, const std::byte* limit, std::span<std::byte> values, int64_t numel,
                  const Alphabet& alphabet, const DecodeTable& table, ChunkSink& sink) noexcept;

}  // namespace cinch::codec
