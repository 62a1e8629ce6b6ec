#include "hooks/catalogue/cast.h"

#include <torch/csrc/autograd/functions/accumulate_grad.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <typeinfo>

namespace cinch::hooks {
namespace {

using torch::autograd::AccumulateGrad;
using torch::autograd::Node;

// Node::name() makes a string, often on the heap, for every save; the compiler's own name of the type is there already.
// It ends, as Itanium's rules have it, in the length of the class's name, the name, and an E.
bool is_a(const Node& node, std::string_view ending) { return std::string_view(typeid(node).name()).ends_with(ending); }

bool is_cast(const Node& node) { return is_a(node, "15ToCopyBackward0E"); }

// Views of a weight that has yet to be cast: all of its values, once, in another order. Autocast casts x.matmul(w.t())
// so. Not among them are expand (the cast of it is larger than any parameter) and slices (a part that is cast alone).
bool is_whole_view(const Node& node) {
  constexpr std::array<std::string_view, 7> kViews = {
      "10TBackward0E",         "18TransposeBackward0E", "16PermuteBackward0E",     "13ViewBackward0E",
      "18UnsqueezeBackward0E", "16SqueezeBackward1E",   "21ReshapeAliasBackward0E"};
  return std::ranges::any_of(kViews, [&](std::string_view view) { return is_a(node, view); });
}

// The end of the graph behind `node`, where nothing but views lies between.
const AccumulateGrad* accumulator_behind(const Node* node) {
  while (node != nullptr && node->num_outputs() == 1) {
    const Node* const next = node->next_edge(0).function.get();
    if (next == nullptr) return nullptr;
    if (next->num_outputs() == 0) return dynamic_cast<const AccumulateGrad*>(next);
    if (!is_whole_view(*next)) return nullptr;
    node = next;
  }
  return nullptr;
}

}  // namespace

const at::Tensor* cast_leaf(const at::Tensor& tensor) {
  if (!tensor.defined() || !tensor.requires_grad()) return nullptr;
  // A view's own graph may have to be made first, under a lock; that of its base is there.
  const at::TensorBase& cast = tensor.is_view() ? tensor._base() : static_cast<const at::TensorBase&>(tensor);
  const Node* const node = cast.grad_fn().get();
  if (node == nullptr || !is_cast(*node)) return nullptr;
  const AccumulateGrad* const accumulator = accumulator_behind(node);
  if (accumulator == nullptr) return nullptr;
  const at::Tensor& leaf = accumulator->variable;
  if (!leaf.defined() || leaf.scalar_type() == cast.scalar_type() || leaf.device() != cast.device() ||
      leaf.numel() != cast.numel())
    return nullptr;
  return &leaf;
}

}  // namespace cinch::hooks
