// Shows leaves' gradients to whoever watches the backward in progress, before they are accumulated.
#pragma once

#include <torch/csrc/autograd/function.h>

#include <memory>

#include "hooks/replay/leaf_listener.h"

namespace cinch::hooks {

// Makes `leaf` tell `listener` of its next gradient, as leaf number `index`, and nobody else. A leaf keeps one tap,
// whatever the number of backwards. No other backward may be running.
void tap_leaf(torch::autograd::Node& leaf, const std::shared_ptr<LeafListener>& listener, size_t index);

}  // namespace cinch::hooks
