#include "hooks/observe/gradient_watch.h"

#include <torch/csrc/autograd/functions/accumulate_grad.h>

#include <utility>

#include "hooks/observe/recorder.h"
#include "hooks/replay/gradient_tap.h"
#include "hooks/replay/graph_walk.h"

namespace cinch::hooks {

using torch::autograd::Node;

void GradientWatch::watch(const std::shared_ptr<Recorder>& recorder) {
  const std::lock_guard<std::mutex> lock(mutex_);
  recorder_ = recorder;
}

void GradientWatch::backward_begins(const torch::autograd::edge_list& roots, const Layers& layers) noexcept {
  try {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (++running_ > 1) return;
    const auto recorder = recorder_.lock();
    if (!recorder) return;
    bytes_ = layers.gradients_bytes();
    recorder->gradients_took(bytes_);
    awaited_.clear();
    walk_graph(roots, [&](Node& node) {
      if (!is_leaf_node(node)) return;
      const at::Tensor& variable = static_cast<torch::autograd::AccumulateGrad&>(node).variable;
      if (variable.grad().defined() || !layers.is_parameter(variable)) return;
      tap_leaf(node, shared_from_this(), awaited_.size());
      awaited_.push_back(static_cast<int64_t>(variable.nbytes()));
    });
  } catch (const std::exception&) {
    // The timeline shows these gradients among the transients, then.
  }
}

void GradientWatch::backward_ends() noexcept {
  const std::lock_guard<std::mutex> lock(mutex_);
  --running_;
}

void GradientWatch::leaf(size_t index, const at::Tensor& gradient) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto recorder = recorder_.lock();
  if (!recorder || !gradient.defined() || index >= awaited_.size()) return;
  bytes_ += std::exchange(awaited_[index], 0);
  recorder->gradients_take(bytes_);
}

}  // namespace cinch::hooks
