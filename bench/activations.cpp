#include "bench/activations.h"

#include <torch/csrc/autograd/generated/Functions.h>
#include <torch/torch.h>

#include <map>
#include <set>

#include "cinch/error.h"
#include "examples/train/training.h"
#include "hooks/catalogue/op_info.h"
#include "hooks/node_ptr.h"

namespace cinch::bench {
namespace {

namespace generated = torch::autograd::generated;
using hooks::NodePtr;
using torch::autograd::Node;

// What nodes of a kind saved, last layer first.
using Found = std::map<std::string, std::vector<torch::Tensor>>;

void look_at(const NodePtr& node, Found& found) {
  if (auto* conv = dynamic_cast<generated::ConvolutionBackward0*>(node.get())) {
    found["convolution input"].push_back(conv->input_.unpack());
  } else if (auto* batch_norm = dynamic_cast<generated::NativeBatchNormBackward0*>(node.get())) {
    found["batch norm input"].push_back(batch_norm->input_.unpack());
  } else if (auto* relu = dynamic_cast<generated::ReluBackward0*>(node.get())) {
    found["relu result"].push_back(relu->result_.unpack(node));
  } else if (auto* linear = dynamic_cast<generated::MmBackward0*>(node.get())) {
    found["linear input"].push_back(linear->self_.unpack());
  } else if (auto* layer_norm = dynamic_cast<generated::NativeLayerNormBackward0*>(node.get())) {
    found["layer norm input"].push_back(layer_norm->input_.unpack());
  } else if (auto* gelu = dynamic_cast<generated::GeluBackward0*>(node.get())) {
    found["gelu input"].push_back(gelu->self_.unpack());
  } else if (auto* product = dynamic_cast<generated::BmmBackward0*>(node.get())) {
    // Attention with dropout is two products: of queries and keys, and of weights, which are square, and values.
    const torch::Tensor self = product->self_.unpack(), other = product->mat2_.unpack();
    if (self.size(1) == self.size(2)) {
      found["value"].push_back(other);
    } else {
      found["query"].push_back(self);
      found["key"].push_back(other.transpose(1, 2));
    }
  }
}

// By sequence number, so that the order is the program's, not the graph's shape.
Found walk(const NodePtr& root) {
  Found found;
  std::vector<NodePtr> open{root};
  std::set<Node*> seen{root.get()};
  const auto later = [](const NodePtr& a, const NodePtr& b) { return a->sequence_nr() < b->sequence_nr(); };
  while (!open.empty()) {
    const auto top = std::max_element(open.begin(), open.end(), later);
    const NodePtr node = *top;
    open.erase(top);
    look_at(node, found);
    for (const auto& edge : node->next_edges())
      if (edge.function && seen.insert(edge.function.get()).second) open.push_back(edge.function);
  }
  return found;
}

// Which one, counted from the first layer on, and from the last one back.
struct Pick {
  const char* what;
  size_t early, late;
};

void take(const char* model, const Pick& pick, const Found& found, std::vector<Activation>& out) {
  const auto saved = found.find(pick.what);
  const size_t count = saved == found.end() ? 0 : saved->second.size();
  if (count < pick.early + pick.late)
    throw Error(std::string(model) + " saved fewer tensors than expected: " + pick.what);
  for (const size_t number : {pick.early, count + 1 - pick.late}) {
    const torch::Tensor values = saved->second[count - number].detach().contiguous().clone();
    out.push_back({model, std::string(pick.what) + ", " + std::to_string(number) + " of " + std::to_string(count),
                   values, hooks::grid_of(hooks::OpInfo{}, values)});
  }
}

void take_all(const train::Options& options, std::initializer_list<Pick> picks, std::vector<Activation>& out) {
  const auto data = train::load_data(options);
  train::Training training(options, *data);
  for (int64_t i = 0; i < options.steps; ++i) training.step(training.next_batch());
  const models::Output last = training.model().run(training.next_batch());
  const Found found = walk(last.loss.grad_fn());
  for (const Pick& pick : picks) take(options.model.c_str(), pick, found, out);
}

}  // namespace

std::vector<Activation> dump_activations(const ActivationOptions& options) {
  std::vector<Activation> activations;
  train::Options resnet;
  resnet.steps = options.steps;
  // The network's own input is left out: no layer made it.
  take_all(resnet, {{"convolution input", 3, 3}, {"batch norm input", 3, 3}, {"relu result", 3, 3}}, activations);
  train::Options gpt;
  gpt.model = "gpt";
  gpt.steps = options.steps;
  gpt.batch = options.text_batch;
  gpt.text = options.text;
  // Linear layers of a block: attention's two, then two of the network behind it; the last one gives logits.
  take_all(gpt,
           {{"linear input", 3, 2},
            {"layer norm input", 2, 2},
            {"gelu input", 1, 1},
            {"query", 1, 1},
            {"key", 1, 1},
            {"value", 1, 1}},
           activations);
  return activations;
}

}  // namespace cinch::bench
