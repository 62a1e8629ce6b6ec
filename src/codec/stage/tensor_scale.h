// What a trial must know of a method: whether its scale is one of the whole tensor, its deviation or its range, and
// what it looks at.
#pragma once

#include <memory>
#include <optional>

#include "cinch/codec.h"

namespace cinch::codec {

// The same method with the scale of a tensor for good, so that coding a part of it shows what coding the whole does:
// the extremes of a part lie closer together. And what Codec::expected_bytes says of the whole, from the same look at
// it.
struct AtScale {
  std::shared_ptr<const Codec> codec;
  int64_t expected_bytes = 0;
};

class TensorScaled {
 public:
  // Of `in`, which is not empty and in host memory. nullopt: declined.
  virtual std::optional<AtScale> at_scale_of(const Extent& in, const SideInfo& side,
                                             const CodecContext& context) const = 0;

 protected:
  ~TensorScaled() = default;
};

// Methods that are told a grid, and which parts of it show what they do to the whole.
class LooksAtGrid {
 public:
  // Consecutive values alone; pieces of maps; whole maps, whose range counts; the same channels of several images.
  enum class Part { kGroups, kPieces, kMaps, kChannels };
  virtual Part part_of(int64_t numel, const SideInfo& side) const = 0;

 protected:
  ~LooksAtGrid() = default;
};

}  // namespace cinch::codec
