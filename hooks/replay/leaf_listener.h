// Told of the gradients that leaves are about to accumulate.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>

namespace cinch::hooks {

// Leaves tell one after the other, from any thread.
class LeafListener {
 public:
  virtual ~LeafListener() = default;
  virtual void leaf(size_t index, const at::Tensor& gradient) = 0;
  // Telling failed: something is missing.
  virtual void spoil() = 0;
};

}  // namespace cinch::hooks
