#include "hooks/guard/optimizer_state.h"

#include <torch/optim.h>

namespace cinch::hooks {

std::vector<at::Tensor> optimizer_state(const torch::optim::Optimizer& optimizer) {
  std::vector<at::Tensor> tensors;
  const auto add = [&](const at::Tensor& tensor) {
    if (tensor.defined() && tensor.has_storage()) tensors.push_back(tensor);
  };
  for (const auto& [key, state] : optimizer.state()) {
    if (const auto* sgd = dynamic_cast<const torch::optim::SGDParamState*>(state.get())) {
      add(sgd->momentum_buffer());
    } else if (const auto* adam = dynamic_cast<const torch::optim::AdamParamState*>(state.get())) {
      add(adam->exp_avg());
      add(adam->exp_avg_sq());
      add(adam->max_exp_avg_sq());
    } else if (const auto* adamw = dynamic_cast<const torch::optim::AdamWParamState*>(state.get())) {
      add(adamw->exp_avg());
      add(adamw->exp_avg_sq());
      add(adamw->max_exp_avg_sq());
    } else if (const auto* rms = dynamic_cast<const torch::optim::RMSpropParamState*>(state.get())) {
      add(rms->square_avg());
      add(rms->momentum_buffer());
      add(rms->grad_avg());
    } else if (const auto* adagrad = dynamic_cast<const torch::optim::AdagradParamState*>(state.get())) {
      add(adagrad->sum());
    }
  }
  return tensors;
}

}  // namespace cinch::hooks
