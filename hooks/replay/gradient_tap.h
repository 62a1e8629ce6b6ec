// Shows leaves' gradients to the record of the backward in progress, before they are accumulated.
#pragma once

#include <torch/csrc/autograd/function.h>

#include <memory>

#include "hooks/replay/backward_record.h"

namespace cinch::hooks {

// Makes `leaf` tell `record` of its next gradient, as leaf number `index`. A leaf keeps one tap, whatever the number of
// backwards. No other backward may be running.
void tap_leaf(torch::autograd::Node& leaf, const std::shared_ptr<BackwardRecord>& record, size_t index);

}  // namespace cinch::hooks
