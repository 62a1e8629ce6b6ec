#include "bench/activations.h"

#include <torch/csrc/autograd/generated/Functions.h>
#include <torch/torch.h>

#include <set>

#include "cinch/error.h"
#include "examples/train/training.h"

namespace cinch::bench {
namespace {

namespace generated = torch::autograd::generated;
using torch::autograd::Node;

struct Found {
  std::vector<torch::Tensor> convolutions, norms, relus;  // last layer first
};

// Saved tensors of these three ops, in the order in which the backward would meet them.
void walk(const std::shared_ptr<Node>& root, Found& found) {
  std::vector<std::shared_ptr<Node>> open{root};
  std::set<Node*> seen{root.get()};
  // By sequence number, so that the order is the program's, not the graph's shape.
  const auto later = [](const std::shared_ptr<Node>& a, const std::shared_ptr<Node>& b) {
    return a->sequence_nr() < b->sequence_nr();
  };
  while (!open.empty()) {
    const auto top = std::max_element(open.begin(), open.end(), later);
    const std::shared_ptr<Node> node = *top;
    open.erase(top);
    if (auto* conv = dynamic_cast<generated::ConvolutionBackward0*>(node.get())) {
      found.convolutions.push_back(conv->input_.unpack());
    } else if (auto* norm = dynamic_cast<generated::NativeBatchNormBackward0*>(node.get())) {
      found.norms.push_back(norm->input_.unpack());
    } else if (auto* relu = dynamic_cast<generated::ReluBackward0*>(node.get())) {
      found.relus.push_back(relu->result_.unpack(node));
    }
    for (const auto& edge : node->next_edges()) {
      if (edge.function && seen.insert(edge.function.get()).second) open.push_back(edge.function);
    }
  }
}

// An early one (the network's own input left out) and a late one.
void take(const std::string& what, const std::vector<torch::Tensor>& tensors, std::vector<Activation>& out) {
  const size_t count = tensors.size();
  if (count < 4) throw Error("the network saved fewer tensors than expected: " + what);
  for (const size_t number : {size_t{3}, count - 2}) {
    out.push_back({what + ", " + std::to_string(number) + " of " + std::to_string(count),
                   tensors[count - number].detach().contiguous().clone()});
  }
}

}  // namespace

std::vector<Activation> dump_activations(int64_t steps) {
  train::Options options;
  options.steps = steps;
  const auto data = train::load_data(options);
  train::Training training(options, *data);
  for (int64_t i = 0; i < steps; ++i) training.step(training.next_batch());

  const models::Output out = training.model().run(training.next_batch());
  Found found;
  walk(out.loss.grad_fn(), found);
  std::vector<Activation> activations;
  take("convolution input", found.convolutions, activations);
  take("batch norm input", found.norms, activations);
  take("relu result", found.relus, activations);
  return activations;
}

}  // namespace cinch::bench
