// Looking at a graph of autograd: which nodes it has, which leaves an edge leads to, and what may be run again.
#pragma once

#include <torch/csrc/autograd/function.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace cinch::hooks {

using torch::autograd::edge_list;
using torch::autograd::Node;

// Visits every node that can be reached from `roots` once.
void walk_graph(const edge_list& roots, const std::function<void(Node&)>& visit);

// Whether a node only gathers a leaf's gradient.
bool is_leaf_node(const Node& node);

// Why running the node again would do more than compute gradients, or empty. Nodes of custom functions may do anything,
// and hooks of users count, print or change what they see. A leaf may only run again where a tap keeps what comes.
std::string why_not_again(Node& node);

// Whether an edge leads to one leaf and nothing else, over a few nodes at most: the gradient of a parameter, or of a
// view or a cast of one.
bool leads_to_one_leaf(const torch::autograd::Edge& edge);

// What can be reached from some edges.
struct Reached {
  bool leaf = false;    // at least one
  std::string why_not;  // not empty: a node on the way must not run again
};
Reached reach_leaves(const edge_list& from);

}  // namespace cinch::hooks
