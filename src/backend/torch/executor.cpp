#include "src/backend/torch/executor.h"

#include <ATen/Parallel.h>

#include <algorithm>

namespace cinch::backend {
namespace {

class TorchExecutor final : public Executor {
 public:
  void parallel_for(int64_t n, int64_t grain, const std::function<void(int64_t, int64_t)>& body) const override {
    if (n <= 0) {
      return;
    }
    // at::parallel_for cuts anywhere; counted in grains it cuts at multiples of the grain. One of them is worth a
    // thread: only callers know what their units are, values, groups or chunks.
    grain = std::max<int64_t>(grain, 1);
    const int64_t grains = (n - 1) / grain + 1;
    at::parallel_for(0, grains, 1,
                     [&](int64_t first, int64_t last) { body(first * grain, std::min(last * grain, n)); });
  }
};

}  // namespace

const Executor& torch_executor() noexcept {
  static const TorchExecutor executor;
  return executor;
}

}  // namespace cinch::backend
