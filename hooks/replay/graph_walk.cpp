#include "hooks/replay/graph_walk.h"

#include <torch/csrc/autograd/functions/accumulate_grad.h>
#include <torch/csrc/autograd/functions/tensor.h>

#include <string_view>
#include <typeinfo>
#include <unordered_set>

#include "hooks/replay/gradient_tap.h"
#include "hooks/replay/node_hook.h"

namespace cinch::hooks {
namespace {

// What torch generates from its table of derivatives; custom functions, of C++ and of Python, are of other types.
bool is_generated(const Node& node) {
  constexpr std::string_view kGenerated = "N5torch8autograd9generated";
  return std::string_view(typeid(node).name()).starts_with(kGenerated);
}

}  // namespace

void walk_graph(const edge_list& roots, const std::function<void(Node&)>& visit) {
  std::unordered_set<Node*> seen;
  std::vector<Node*> open;
  const auto meet = [&](const torch::autograd::Edge& edge) {
    if (edge.is_valid() && seen.insert(edge.function.get()).second) open.push_back(edge.function.get());
  };
  for (const auto& edge : roots) meet(edge);
  while (!open.empty()) {
    Node* const node = open.back();
    open.pop_back();
    visit(*node);
    for (const auto& edge : node->next_edges()) meet(edge);
  }
}

bool is_leaf_node(const Node& node) { return typeid(node) == typeid(torch::autograd::AccumulateGrad); }

std::string why_not_again(Node& node) {
  const bool leaf = is_leaf_node(node);
  if (!leaf && !is_generated(node) && typeid(node) != typeid(torch::autograd::CopyBackwards))
    return "leads through a custom function (" + node.name() + ")";
  bool hooked = !node.tensor_pre_hooks().empty();
  if (leaf) {
    hooked = hooked || !is_tapped_alone(node) || node.tensor_post_acc_grad_hooks() != nullptr;
  } else {
    hooked = hooked || !node.pre_hooks().empty() || !node.retains_grad_hooks().empty();
    for (const auto& hook : node.post_hooks()) hooked = hooked || dynamic_cast<const NodeHook*>(hook.get()) == nullptr;
  }
  return hooked ? "leads past a hook of the program (" + node.name() + ")" : std::string();
}

bool leads_to_one_leaf(const torch::autograd::Edge& edge) {
  constexpr int kFewNodes = 4;
  const torch::autograd::Edge* way = &edge;
  for (int i = 0; i < kFewNodes && way != nullptr; ++i) {
    const Node& node = *way->function;
    if (is_leaf_node(node)) return true;
    way = nullptr;
    for (const auto& next : node.next_edges()) {
      if (!next.is_valid()) continue;
      if (way != nullptr) return false;
      way = &next;
    }
  }
  return false;
}

Reached reach_leaves(const edge_list& from) {
  Reached reached;
  walk_graph(from, [&](Node& node) {
    if (reached.why_not.empty()) reached.why_not = why_not_again(node);
    reached.leaf = reached.leaf || is_leaf_node(node);
  });
  return reached;
}

}  // namespace cinch::hooks
