#include "hooks/replay/node_replay.h"

#include <ATen/ops/sub.h>
#include <ATen/ops/zeros.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/engine.h>

#include <utility>

#include "hooks/node_ptr.h"
#include "hooks/replay/gradient_tap.h"
#include "hooks/replay/graph_walk.h"
#include "hooks/replay/squared_norm.h"
#include "hooks/replay/stand_in.h"

namespace cinch::hooks {
namespace {

using torch::autograd::Edge;
using torch::autograd::variable_list;

// In the memory of `a` where nobody else has it.
at::Tensor difference_of(at::Tensor a, const at::Tensor& b) {
  const bool ours = a.use_count() == 1 && a.storage().use_count() == 1 && a.is_non_overlapping_and_dense();
  return ours ? a.sub_(b) : at::sub(a, b);
}

// Where a graph of differences begins; the engine gives it a zero to start with. It hands them over, so that each is
// gone as soon as the next node has read it.
class Differences final : public Node {
 public:
  Differences() { add_input_metadata(at::zeros({})); }
  void add(const Edge& edge, at::Tensor value) {
    add_next_edge(edge);
    values_.push_back(std::move(value));
  }

 private:
  variable_list apply(variable_list&&) override { return std::move(values_); }

  variable_list values_;
};

// Squared norm of what the differences do to the gradients of the parameters that they lead to.
std::variant<double, std::string> at_the_parameters(NodePtr differences) {
  if (differences->num_outputs() == 0) return 0.0;
  const Reached reached = reach_leaves(differences->next_edges());
  if (!reached.why_not.empty()) return reached.why_not;
  if (!reached.leaf) return 0.0;
  LeafSum sum;
  torch::autograd::Engine::get_default_engine().execute({Edge(std::move(differences), 0)}, {at::zeros({})},
                                                        /*keep_graph=*/true,
                                                        /*create_graph=*/false, /*accumulate_grad=*/true);
  if (!sum.strided()) return "has sparse gradients";
  return sum.squared_norm();
}

}  // namespace

std::variant<NodeError, std::string> replay_node(Node& node, const Payload& payload, c10::Storage trial, bool follow,
                                                 const variable_list& grad_inputs, const variable_list& grad_outputs) {
  const c10::AutoGradMode no_grad(false);
  if (std::string why = why_not_again(node); !why.empty()) return why;
  variable_list again;
  int64_t asked = 0;
  {
    StandIn stand_in(payload, std::move(trial));
    again = node(variable_list(grad_outputs));
    asked = stand_in.asked();
  }
  if (asked == 0) return "its node did not read it again";
  torch::autograd::validate_outputs(node.next_edges(), again, [](const std::string& text) { return text; });
  auto near = make_node<Differences>(), far = make_node<Differences>();
  NodeError result;
  for (size_t i = 0; i < again.size() && i < grad_inputs.size(); ++i) {
    const Edge& edge = node.next_edge(i);
    if (!edge.is_valid() || !again[i].defined() || !grad_inputs[i].defined()) continue;
    if (again[i].layout() != c10::kStrided || grad_inputs[i].layout() != c10::kStrided) return "has sparse gradients";
    at::Tensor difference = difference_of(std::move(again[i]), grad_inputs[i]);
    if (!difference.any().item<bool>()) continue;
    if (leads_to_one_leaf(edge)) {
      near->add(edge, std::move(difference));
    } else {
      result.local += squared_norm(difference);
      far->add(edge, std::move(difference));
    }
  }
  const auto at_once = at_the_parameters(std::move(near));
  if (const auto* why = std::get_if<std::string>(&at_once)) return *why;
  result.near = std::get<double>(at_once);
  if (result.local == 0) {
    result.followed = 0.0;
  } else if (follow) {
    const auto followed = at_the_parameters(std::move(far));
    if (const auto* why = std::get_if<std::string>(&followed)) return *why;
    result.followed = std::get<double>(followed);
  }
  // Each site of a node that saved the same tensor several times (x * x) is measured with all of them.
  const auto sites = static_cast<double>(asked);
  result.near /= sites;
  result.local /= sites;
  if (result.followed) *result.followed /= sites;
  return result;
}

}  // namespace cinch::hooks
