#include "hooks/guard/guard_engine.h"

#include "hooks/engine.h"
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

void backward_begins(bool records_graph) {
  if (!records_graph) pause_tracing();
  for (auto session = current_session(); session != nullptr; session = session->outer)
    if (session->active.load(std::memory_order_acquire)) before_backward(*session);
}

void backward_ends(bool records_graph) {
  if (!records_graph) resume_tracing();
}

}  // namespace

bool install_guard_engine() { return install_engine({make_saved_hook, backward_begins, backward_ends}); }

}  // namespace cinch::hooks
