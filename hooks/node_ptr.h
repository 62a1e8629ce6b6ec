// What owns a node of the graph: a shared_ptr in LibTorch 2.10 and 2.11, an intrusive_ptr in 2.15.
#pragma once

#include <torch/csrc/autograd/edge.h>

namespace cinch::hooks {

using NodePtr = decltype(torch::autograd::Edge::function);

}  // namespace cinch::hooks
