#include "src/backend/torch/executor.h"

#include <ATen/Parallel.h>

#include <algorithm>

namespace cinch::backend {
namespace {

// Below this many units a thread costs more than it saves.
constexpr int64_t kUnitsPerThread = 16384;

class TorchExecutor final : public Executor {
 public:
  void parallel_for(int64_t n, int64_t grain, const std::function<void(int64_t, int64_t)>& body) const override {
    if (n <= 0) {
      return;
    }
    // at::parallel_for cuts anywhere; counted in grains it cuts at multiples of the grain.
    grain = std::max<int64_t>(grain, 1);
    const int64_t grains = (n - 1) / grain + 1;
    const int64_t per_thread = std::max<int64_t>(kUnitsPerThread / grain, 1);
    at::parallel_for(0, grains, per_thread,
                     [&](int64_t first, int64_t last) { body(first * grain, std::min(last * grain, n)); });
  }
};

}  // namespace

const Executor& torch_executor() noexcept {
  static const TorchExecutor executor;
  return executor;
}

}  // namespace cinch::backend
