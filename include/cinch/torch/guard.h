/// BudgetGuard: the scope in which training fits a memory budget.
///
///   cinch::BudgetGuard guard(cinch::Budget::above_floor(0.25));
///   guard.track("model", *model);      // names the layers, knows the parameters
///   guard.track(optimizer);            // its state counts
///   for (auto& batch : loader) { ...forward, backward, optimizer step...; guard.step(); }
///
/// The thread that makes the guard (and threads that torch starts from it) has its saved tensors packed. One guard per
/// device at a time; a second on the same device throws Error. CINCH_DISABLE=1 in the environment makes guards inert.
#pragma once

#include <torch/nn/module.h>
#include <torch/optim/optimizer.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cinch/budget.h"
#include "cinch/plan.h"
#include "cinch/profile.h"
#include "cinch/usage.h"

namespace cinch {

/// kObserve: until the first plan, everything raw unless a limit asks for more; kRun: a plan is in force.
enum class Phase : uint8_t { kObserve, kRun };

/// Something that happened, for the log callback: a new plan; payloads coded further to keep the limit; payloads that
/// stayed as they were; a peak above the limit; anything else worth knowing.
struct Event {
  enum class Kind : uint8_t { kPlan, kReclaim, kFallback, kOverrun, kWarning } kind = Kind::kWarning;
  std::string message;  ///< one sentence
};

/// Only ever appended to.
struct GuardOptions {
  c10::Device device = c10::Device(c10::kCPU);
  std::string load_plan;      ///< plan file to start with instead of observing; its fingerprint must match
  std::string save_plan;      ///< where each new plan is written
  std::string save_profile;   ///< where the profile is written after observing
  std::string budget_file;    ///< in place of the constructor's budget; changed later: a new plan at the next step()
  int64_t observe_steps = 2;  ///< >= 1; the last one is profiled
  int64_t replan_interval = 1000;  ///< steps; 0: never
  uint64_t seed = 0;               ///< of the private generator
  /// Called on the thread where it happened, which may be in the midst of an allocation: it must not throw, and tensors
  /// that it makes may not fit.
  std::function<void(const Event&)> on_event;
  /// Pinned host memory for `offload` at most; 0: nothing is offloaded. Default: a quarter of the physical memory.
  /// Pinned as it is needed. Without effect on the CPU, whose tensors are in host memory already.
  std::optional<int64_t> host_pool_bytes;
  /// Measure while training runs what errors cost (docs/planner.md): after a plan is made, a few nodes a step run their
  /// backward a second time until each site has been measured, then ever more seldom. false: priors alone.
  bool measure = true;
  /// Profile file of an earlier run of the same program (save_profile) to start with instead of observing: the plan is
  /// made from it at once, or load_plan's is taken, and what was measured counts on. The graph must be the same.
  std::string load_profile;
  std::shared_ptr<const Profile> profile;  ///< the same from memory; for `load_profile` to be empty
  int64_t batch = 0;  ///< samples of an iteration, for advise_batch; 0: not known. Written into profiles.
  /// Where a trace of what happens to payloads is written while training runs (Chrome trace format; opens in Perfetto).
  std::string trace;
  int64_t trace_steps = 20;  ///< first steps of which each pack and unpack is traced; later ones show as a whole
};

/// Use it from one thread, the one that made it; phase(), profile(), plan(), usage(), usage_by_site(), replan() and
/// last_overrun() may also be called from others. A guard that was moved from may only be destroyed or assigned to.
class BudgetGuard {
 public:
  /// Throws Error (a device that is taken or not supported, an option out of range, a plan file that does not fit the
  /// budget), JsonError (a plan or budget file) and leaves nothing behind then.
  explicit BudgetGuard(Budget budget, GuardOptions options = {});
  /// Shorthand: tracks the module as "model".
  BudgetGuard(const torch::nn::Module& module, Budget budget, GuardOptions options = {});
  BudgetGuard(BudgetGuard&&) noexcept;
  BudgetGuard& operator=(BudgetGuard&&) noexcept;
  /// Switches off; graphs made inside stay usable. Never throws.
  ~BudgetGuard();

  /// Layers of `module` are named "name.child..."; its parameters and buffers are counted and never packed. Those that
  /// it has now: call it again for a module that gained some. Nothing is kept alive. At any time; of two names for one
  /// storage the first holds. Throws nothing of its own.
  void track(const std::string& name, const torch::nn::Module& module);
  /// Its tensor state is counted, as it comes to be: that of torch's SGD, Adam, AdamW, RMSprop and Adagrad, of others
  /// none. The optimizer must outlive the guard. Throws nothing of its own.
  void track(const torch::optim::Optimizer& optimizer);

  /// End of an iteration. After the observed steps it plans. Throws BudgetError when no plan exists, Error when a
  /// loaded plan was made for another graph or a file cannot be written; training can go on after either.
  void step();

  Phase phase() const;
  /// Null until the first observed step is over (or a plan was loaded, for plan()).
  std::shared_ptr<const Profile> profile() const;
  std::shared_ptr<const Plan> plan() const;
  /// From any thread.
  Usage usage() const;
  /// Every site that saved something so far, in the order of first saving. From any thread.
  std::vector<SiteUsage> usage_by_site() const;
  /// A new budget from the next step() on; of several the last, and those of budget_file count as calls. Throws Error
  /// for a budget out of range (validate), and changes nothing then. Whether a plan meets it is found in step(), which
  /// throws where none does (BudgetError; Error for a rule that the profile has no option for): the old plan stays in
  /// force then, under the new limit unless that is relative to a baseline.
  void replan(Budget budget);
  /// Breakdown at the last request that did not fit, if any.
  std::optional<MemoryBreakdown> last_overrun() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace cinch
