// Local replay: a node's backward again, on other values of one of its saved tensors.
//
// The difference of its gradients is what the error of these values does there. What flows on to earlier nodes is
// followed to the parameters: a backward is linear in the gradient that enters it, so running the rest of the graph on
// the difference alone gives exactly what reaches each parameter. That is half a backward on average. By how much the
// rest of the graph amplifies an error changes less during training than the error itself, which costs no more than one
// node: so the first is followed now and then, the second measured often.
#pragma once

#include <c10/core/Storage.h>
#include <torch/csrc/autograd/function.h>

#include <optional>
#include <string>
#include <variant>

#include "hooks/store/payload.h"

namespace cinch::hooks {

// Squared norms; of a tensor that the node saved several times, one site's part.
struct NodeError {
  double near = 0;                 // of what reaches parameters without passing another op (a weight's gradient)
  double local = 0;                // of what is handed on to other nodes
  std::optional<double> followed;  // of what becomes of that at the parameters
};

// The error in the node's gradients, or why it cannot be had. Called in the node's post hook, when what it saved is
// still there. Nothing of the user's backward is changed: nothing is accumulated, no saved tensor is released, no
// memory is reclaimed. `trial`: what stands in for the payload's values, let go once the node has run. `follow`:
// through the whole graph.
std::variant<NodeError, std::string> replay_node(torch::autograd::Node& node, const Payload& payload,
                                                 c10::Storage trial, bool follow,
                                                 const torch::autograd::variable_list& grad_inputs,
                                                 const torch::autograd::variable_list& grad_outputs);

}  // namespace cinch::hooks
