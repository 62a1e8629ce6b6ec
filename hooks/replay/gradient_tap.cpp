#include "hooks/replay/gradient_tap.h"

#include <torch/csrc/autograd/function_hook.h>

#include <algorithm>
#include <mutex>

#include "hooks/replay/squared_norm.h"
#include "hooks/replay/stand_in.h"

namespace cinch::hooks {
namespace {

thread_local LeafSum* leaf_sum = nullptr;

class Tap final : public torch::autograd::FunctionPreHook {
 public:
  torch::autograd::variable_list operator()(const torch::autograd::variable_list& gradients) override {
    if (replaying()) {
      for (const at::Tensor& gradient : gradients) LeafSum::add(gradient);
      return torch::autograd::variable_list(gradients.size());  // a leaf accumulates nothing of what is not defined
    }
    std::shared_ptr<LeafListener> listener;
    size_t index = 0;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      listener = listener_.lock();
      listener_.reset();
      index = index_;
    }
    if (!listener) return gradients;
    const ReplayScope ours;
    try {
      listener->leaf(index, gradients.empty() ? at::Tensor() : gradients.front());
    } catch (const std::exception&) {
      listener->spoil();  // no memory for a sketch, for instance: the backward goes on
    }
    return gradients;
  }

  void watch(const std::shared_ptr<LeafListener>& listener, size_t index) {
    const std::lock_guard<std::mutex> lock(mutex_);
    listener_ = listener;
    index_ = index;
  }

 private:
  std::mutex mutex_;
  std::weak_ptr<LeafListener> listener_;
  size_t index_ = 0;
};

}  // namespace

bool is_tapped_alone(torch::autograd::Node& leaf) {
  if (!leaf.post_hooks().empty() || leaf.pre_hooks().empty()) return false;
  return std::ranges::all_of(leaf.pre_hooks(),
                             [](const auto& hook) { return dynamic_cast<const Tap*>(hook.get()) != nullptr; });
}

LeafSum::LeafSum() noexcept { leaf_sum = this; }

LeafSum::~LeafSum() { leaf_sum = nullptr; }

void LeafSum::add(const at::Tensor& gradient) {
  if (leaf_sum == nullptr || !gradient.defined()) return;
  if (gradient.layout() != c10::kStrided) {
    leaf_sum->strided_ = false;
    return;
  }
  leaf_sum->squared_norm_ += hooks::squared_norm(gradient);
}

void tap_leaf(torch::autograd::Node& leaf, const std::shared_ptr<LeafListener>& listener, size_t index) {
  Tap* tap = nullptr;
  for (const auto& hook : leaf.pre_hooks())
    if (auto* ours = dynamic_cast<Tap*>(hook.get())) tap = ours;
  if (tap == nullptr) {
    auto made = std::make_unique<Tap>();
    tap = made.get();
    leaf.add_pre_hook(std::move(made));
  }
  tap->watch(listener, index);
}

}  // namespace cinch::hooks
