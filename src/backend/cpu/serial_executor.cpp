#include "cinch/codec.h"

namespace cinch {
namespace {

class SerialExecutor final : public Executor {
 public:
  void parallel_for(int64_t n, int64_t /*grain*/, const std::function<void(int64_t, int64_t)>& body) const override {
    if (n > 0) body(0, n);
  }
};

}  // namespace

const Executor& serial_executor() noexcept {
  static const SerialExecutor executor;
  return executor;
}

}  // namespace cinch
