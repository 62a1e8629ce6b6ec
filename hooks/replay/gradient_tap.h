// Shows leaves' gradients to whoever watches the backward in progress, before they are accumulated.
//
// A replay runs parts of the same graph: what reaches a tapped leaf then is summed up and goes no further.
#pragma once

#include <torch/csrc/autograd/function.h>

#include <memory>

#include "hooks/replay/leaf_listener.h"

namespace cinch::hooks {

// Makes `leaf` tell `listener` of its next gradient, as leaf number `index`, and nobody else. A leaf keeps one tap,
// whatever the number of backwards. No other backward may be running.
void tap_leaf(torch::autograd::Node& leaf, const std::shared_ptr<LeafListener>& listener, size_t index);

// Whether `leaf` has a tap, and no other hook that a replay would run.
bool is_tapped_alone(torch::autograd::Node& leaf);

// While one lives, the squared norms of what a replay on this thread brings to tapped leaves. Each gradient is let go
// as soon as it has been added: those of all parameters at once are what a limit has no room for.
class LeafSum {
 public:
  LeafSum() noexcept;
  ~LeafSum();
  LeafSum(const LeafSum&) = delete;
  LeafSum& operator=(const LeafSum&) = delete;

  double squared_norm() const { return squared_norm_; }
  bool strided() const { return strided_; }  // false: some gradient was not, and is not in the sum

  // Called by taps.
  static void add(const at::Tensor& gradient);

 private:
  double squared_norm_ = 0;
  bool strided_ = true;
};

}  // namespace cinch::hooks
