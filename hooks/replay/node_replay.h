// Local replay: a node's backward again, on other values of one of its saved tensors.
//
// The difference of its gradients is what the error of these values does there. What flows on to earlier nodes is
// followed to the parameters: a backward is linear in the gradient that enters it, so running the rest of the graph on
// the difference alone gives exactly what reaches each parameter.
#pragma once

#include <torch/csrc/autograd/function.h>

#include <string>
#include <variant>

#include "hooks/replay/trial_values.h"

namespace cinch::hooks {

// Squared norm of the error in the gradient of all parameters, or why it cannot be had. Called in the node's post hook,
// when what it saved is still there. Nothing of the user's backward is changed: nothing is accumulated, no saved tensor
// is released, no memory is reclaimed.
std::variant<double, std::string> replay_node(torch::autograd::Node& node, const Payload& payload,
                                              const TrialValues& trial,
                                              const torch::autograd::variable_list& grad_inputs,
                                              const torch::autograd::variable_list& grad_outputs);

}  // namespace cinch::hooks
