// Tells of a node that has run in the user's backward, once.
#pragma once

#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/function_hook.h>

#include <functional>
#include <utility>

#include "hooks/replay/stand_in.h"

namespace cinch::hooks {

class NodeHook final : public torch::autograd::FunctionPostHook {
 public:
  using Done = std::function<void(const torch::autograd::variable_list& grad_inputs,
                                  const torch::autograd::variable_list& grad_outputs)>;
  explicit NodeHook(Done done) : done_(std::move(done)) {}

  torch::autograd::variable_list operator()(const torch::autograd::variable_list& grad_inputs,
                                            const torch::autograd::variable_list& grad_outputs) override {
    // Another site's replay may pass by here: that is not the user's backward.
    if (replaying()) return grad_inputs;
    if (const Done done = std::exchange(done_, nullptr)) done(grad_inputs, grad_outputs);
    return grad_inputs;
  }

 private:
  Done done_;
};

}  // namespace cinch::hooks
