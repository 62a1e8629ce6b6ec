// Methods whose scale is one of the whole tensor: its deviation, its range.
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

}  // namespace cinch::codec
