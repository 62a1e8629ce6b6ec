// The tensors that an optimizer keeps.
#pragma once

#include <torch/optim/optimizer.h>

#include <vector>

namespace cinch::hooks {

// Tensor state of torch's own optimizers (SGD, Adam, AdamW, RMSprop, Adagrad); empty for kinds that cinch does not
// know.
std::vector<at::Tensor> optimizer_state(const torch::optim::Optimizer& optimizer);

}  // namespace cinch::hooks
