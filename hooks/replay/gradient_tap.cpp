#include "hooks/replay/gradient_tap.h"

#include <torch/csrc/autograd/function_hook.h>

#include <mutex>

#include "hooks/replay/stand_in.h"

namespace cinch::hooks {
namespace {

class Tap final : public torch::autograd::FunctionPreHook {
 public:
  torch::autograd::variable_list operator()(const torch::autograd::variable_list& gradients) override {
    if (replaying()) return gradients;
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
