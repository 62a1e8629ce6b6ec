// Tells a recorder what parameters' gradients take, backward by backward.
#pragma once

#include <torch/csrc/autograd/function.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "hooks/layers.h"
#include "hooks/replay/leaf_listener.h"

namespace cinch::hooks {

class Recorder;

// Thread-safe. A gradient counts from when its leaf is about to keep it; which of several backwards that run at once it
// comes from is not asked, and only those of the first are seen on their way.
class GradientWatch final : public LeafListener, public std::enable_shared_from_this<GradientWatch> {
 public:
  // From the next backward on, as long as the recorder lives.
  void watch(const std::shared_ptr<Recorder>& recorder);

  // Round a backward of the user's. Never throws.
  void backward_begins(const torch::autograd::edge_list& roots, const Layers& layers) noexcept;
  void backward_ends() noexcept;

  void leaf(size_t index, const at::Tensor& gradient) override;
  void spoil() override {}

 private:
  std::mutex mutex_;
  std::weak_ptr<Recorder> recorder_;
  int running_ = 0;  // backwards
  int64_t bytes_ = 0;
  std::vector<int64_t> awaited_;  // by leaf: bytes of the gradient that it does not have yet
};

}  // namespace cinch::hooks
