// Methods whose scale is one of the whole tensor: its deviation, its range.
#pragma once

#include <memory>

#include "cinch/codec.h"

namespace cinch::codec {

class TensorScaled {
 public:
  // The same method with the scale of `in` for good, so that coding a part of it shows what coding the whole does: the
  // extremes of a part lie closer together. nullptr: declined.
  virtual std::shared_ptr<const Codec> at_scale_of(const Extent& in, const SideInfo& side,
                                                   const CodecContext& context) const = 0;

 protected:
  ~TensorScaled() = default;
};

}  // namespace cinch::codec
