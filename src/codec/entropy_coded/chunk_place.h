// Where a chunk's groups are in its tensor, and those of its streams in the chunk, for device and walk.
#pragma once

#include <algorithm>
#include <cstdint>

#include "src/codec/entropy_coded/slots.h"
#include "src/core/device_fn.h"

namespace cinch::codec {

struct ChunkPlace {
  int64_t first_group;  // in the tensor
  int64_t values;
  int groups;

  static CINCH_DEVICE_FN ChunkPlace of(const Slots& slots, int64_t chunk) {
    const int64_t first = chunk * kValuesOfChunk, values = std::min(int64_t{kValuesOfChunk}, slots.numel - first);
    return {chunk * kChunkGroups, values, static_cast<int>(ceil_div(values, kLetterGroup))};
  }
  // Groups of a stream, within the chunk.
  CINCH_DEVICE_FN int each() const { return (groups + kStreams - 1) / kStreams; }
  CINCH_DEVICE_FN int begin(int stream) const { return std::min(groups, stream * each()); }
  CINCH_DEVICE_FN int end(int stream) const { return std::min(groups, (stream + 1) * each()); }
  // Values of a group that there are.
  CINCH_DEVICE_FN int count(int group) const {
    return static_cast<int>(std::min(int64_t{kLetterGroup}, values - group * kLetterGroup));
  }
};

}  // namespace cinch::codec
