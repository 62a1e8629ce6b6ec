#include "hooks/guard/guard_engine.h"

#include <vector>

#include "hooks/engine.h"
#include "hooks/replay/stand_in.h"
#include "hooks/saved_hook.h"
#include "hooks/session.h"
#include "hooks/trace.h"

namespace cinch::hooks {
namespace {

// A loop without step() looks like one endless iteration; gradient accumulation stays far below this.
constexpr int64_t kBackwardsBeforeWarning = 1000;

void before_backward(Session& session) {
  try {
    if (session.backwards_since_step.fetch_add(1, std::memory_order_relaxed) == kBackwardsBeforeWarning)
      TORCH_WARN("cinch: ", kBackwardsBeforeWarning,
                 " backward passes without BudgetGuard::step(); call it at the end of each iteration");
    // The forward's locals are gone by now: what they held can be coded before the backward needs memory.
    session.store->poll();
  } catch (const std::exception& error) {
    session.store->fall_back(error.what());  // the backward must run, and tracing be resumed after it
  }
}

// A backward in progress.
class Running {
 public:
  Running(const torch::autograd::edge_list& roots, bool records_graph) : paused_(!records_graph) {
    if (paused_) pause_tracing();
    if (replaying()) return;
    for (auto session = current_session(); session != nullptr; session = session->outer) {
      if (!session->active.load(std::memory_order_acquire)) continue;
      before_backward(*session);
      session->replay->backward_begins(roots, records_graph);
      session->gradients->backward_begins(roots, session->layers);
      watched_.push_back(session);
    }
  }
  ~Running() {
    for (const auto& session : watched_) {
      session->replay->backward_ends();
      session->gradients->backward_ends();
    }
    if (paused_) resume_tracing();
  }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

 private:
  const bool paused_;
  std::vector<std::shared_ptr<Session>> watched_;
};

std::shared_ptr<void> backward_begins(const torch::autograd::edge_list& roots, bool records_graph) {
  return std::make_shared<Running>(roots, records_graph);
}

}  // namespace

bool install_guard_engine() { return install_engine({make_saved_hook, backward_begins}); }

}  // namespace cinch::hooks
