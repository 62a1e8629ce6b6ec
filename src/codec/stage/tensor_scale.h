// Methods whose scale is one of the whole tensor, its deviation or its range, and methods with a scale a channel.
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

class ChannelScaled {
 public:
  // Whether this tensor's channels are told apart.
  virtual bool tells_channels(int64_t numel, const SideInfo& side) const = 0;

 protected:
  ~ChannelScaled() = default;
};

}  // namespace cinch::codec
