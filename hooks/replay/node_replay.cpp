#include "hooks/replay/node_replay.h"

#include <ATen/ops/sub.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/engine.h>

#include "hooks/replay/graph_walk.h"
#include "hooks/replay/squared_norm.h"
#include "hooks/replay/stand_in.h"

namespace cinch::hooks {
namespace {

using torch::autograd::variable_list;

}  // namespace

std::variant<double, std::string> replay_node(Node& node, const Payload& payload, const TrialValues& trial,
                                              const variable_list& grad_inputs, const variable_list& grad_outputs) {
  const c10::AutoGradMode no_grad(false);
  if (std::string why = why_not_again(node); !why.empty()) return why;
  variable_list again;
  {
    const StandIn stand_in(payload, trial.values);
    again = node(variable_list(grad_outputs));
    if (stand_in.asked() == 0) return "its node did not read it again";
  }
  torch::autograd::validate_outputs(node.next_edges(), again, [](const std::string& text) { return text; });
  edge_list edges;
  variable_list differences;
  for (size_t i = 0; i < again.size() && i < grad_inputs.size(); ++i) {
    if (!node.next_edge(i).is_valid() || !again[i].defined() || !grad_inputs[i].defined()) continue;
    if (again[i].layout() != c10::kStrided || grad_inputs[i].layout() != c10::kStrided) return "has sparse gradients";
    at::Tensor difference = at::sub(again[i], grad_inputs[i]);
    again[i].reset();
    if (!difference.any().item<bool>()) continue;
    edges.push_back(node.next_edge(i));
    differences.push_back(std::move(difference));
  }
  if (edges.empty()) return 0.0;
  const Reached reached = reach_leaves(edges);
  if (!reached.why_not.empty()) return reached.why_not;
  if (reached.leaves.empty()) return 0.0;
  const variable_list errors = torch::autograd::Engine::get_default_engine().execute(
      edges, differences, /*keep_graph=*/true, /*create_graph=*/false, /*accumulate_grad=*/false, reached.leaves);
  double sum = 0;
  for (const at::Tensor& error : errors) {
    if (!error.defined()) continue;
    if (error.layout() != c10::kStrided) return "has sparse gradients";
    sum += squared_norm(error);
  }
  return sum;
}

}  // namespace cinch::hooks
