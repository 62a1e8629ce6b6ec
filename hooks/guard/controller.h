// The one place that decides what changes while a guard runs: phases, limit, plan, replanning, what to do when memory
// runs out.
#pragma once

#include <atomic>
#include <chrono>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "cinch/planner.h"
#include "cinch/torch/guard.h"
#include "hooks/guard/site_book.h"
#include "hooks/observe/recorder.h"
#include "hooks/observe/refresh.h"
#include "hooks/session.h"
#include "src/backend/torch/device_memory.h"

namespace cinch::hooks {

class Controller final : public backend::OverrunHandler {
 public:
  // Throws Error for an invalid budget, BudgetError for a limit that is already passed.
  Controller(Budget budget, GuardOptions options, std::shared_ptr<Session> session);
  ~Controller() override;

  void track(const std::string& name, const torch::nn::Module& module);
  void track(const torch::optim::Optimizer& optimizer);
  void step();
  void replan(Budget budget);

  Phase phase() const;
  std::shared_ptr<const Profile> profile() const;
  std::shared_ptr<const Plan> plan() const;
  Usage usage() const;
  std::vector<SiteUsage> usage_by_site() const;
  // The budget's bound; from the thread that steps. 0: none.
  double least_effective_batch() const { return budget_.min_effective_batch; }
  std::optional<MemoryBreakdown> last_overrun() const;

  bool make_room(int64_t request_bytes) override;
  bool overrun(int64_t request_bytes, MemoryBreakdown& breakdown) override;

 private:
  const backend::DeviceMemory& memory() const { return session_->store->memory(); }
  void take_over_plan(Plan plan);
  std::string profile_name() const;
  void take_over_profile();
  void begin_planned();
  void begin_observing();
  void finish_observing();
  void adopt(std::shared_ptr<const Plan> plan);
  void plan_now();
  double begin_measuring();
  void take_measured(double noise_variance);
  void take_coding_seconds(double seconds);
  bool measuring() const;
  std::shared_ptr<const Plan> roomy_plan() const;
  Budget cautious() const;
  std::shared_ptr<const Plan> best_plan() const;
  std::shared_ptr<const Plan> measured_plan() const;
  void put_in_force(std::shared_ptr<const Plan> plan);
  Profile as_measured() const;
  void price_profile();
  bool worth_planning_anew();
  void plan_with_measured();
  void set_limit(int64_t bytes);
  void configure_reclaim();
  void take_over_limit();
  void check_loaded_plan();
  void check_budget_file();
  void check_engine();
  void count_tracked();
  void end_iteration();
  void trace_iteration(std::chrono::steady_clock::time_point began);
  void decide();
  void begin_iteration();
  void emit(Event::Kind kind, const std::string& message) const;
  double variance_bound() const;
  int64_t limit_under(const Plan& plan) const;
  double gradient_variance() const;
  MemoryBreakdown breakdown() const;
  int64_t optimizer_bytes() const;

  // A storage of tracked tensors that was made before the meter. The weak reference keeps its address from being used
  // again.
  struct Earlier {
    c10::weak_intrusive_ptr<c10::StorageImpl> weak;
    int64_t bytes;
  };
  // Answers for the allocator, and gives the user's own limit back at the end, also when a constructor throws.
  struct Answering {
    Answering(const backend::DeviceMemory& m, OverrunHandler* handler) : memory(m), limit_before(m.meter().limit()) {
      memory.set_overrun_handler(handler);
    }
    ~Answering() {
      memory.set_overrun_handler(nullptr);
      try {
        memory.set_limit(limit_before);
      } catch (const std::exception& error) {
        TORCH_WARN("cinch: the limit that was set before the guard cannot be had back: ", error.what());
      }
    }
    Answering(const Answering&) = delete;
    Answering& operator=(const Answering&) = delete;
    const backend::DeviceMemory& memory;
    const int64_t limit_before;
  };

  // Pinned host memory is this guard's, and goes back to the system at the end, but for what graphs still hold.
  struct HostRoom {
    HostRoom(const backend::DeviceMemory& memory, const GuardOptions& options, const Budget& budget);
    ~HostRoom();
    HostRoom(const HostRoom&) = delete;
    HostRoom& operator=(const HostRoom&) = delete;
    backend::HostPool* const pool;
  };

  Budget budget_;
  const GuardOptions options_;
  const std::shared_ptr<Session> session_;
  std::shared_ptr<trace::TraceLog> trace_;  // or null
  SiteBook site_book_;
  std::vector<const torch::optim::Optimizer*> optimizers_;
  std::unordered_map<const c10::StorageImpl*, Earlier> earlier_;
  std::shared_ptr<Recorder> recorder_;
  std::shared_ptr<Refresh> refresh_;  // of the profile's options
  std::optional<std::filesystem::file_time_type> budget_file_time_;
  std::chrono::steady_clock::time_point step_started_, last_step_ = std::chrono::steady_clock::now();
  double step_seconds_ = 0;
  int64_t observed_ = 0, since_plan_ = 0, since_observed_ = 0;
  bool planned_with_measured_ = false;  // every site has been measured once, and the plan knows
  bool measured_since_plan_ = false;
  double slowness_ = 1;  // seconds that coding takes here, of those that the profile's options say
  // Beside the plan in force, made when it is asked for first; null inside: there is none.
  std::optional<std::shared_ptr<const Plan>> roomy_plan_;
  bool under_roomy_ = false;                              // this iteration
  int64_t poisoned_groups_ = memory().poisoned_groups();  // earlier guards' are theirs
  bool check_fingerprint_ = false;
  std::atomic<bool> cut_short_{false};                      // a request of this iteration's own threads was refused
  std::atomic<OnOverrun> on_overrun_{OnOverrun::kReclaim};  // the budget's, for any thread
  std::atomic<int64_t> parameters_bytes_{0}, gradients_bytes_{0}, optimizer_bytes_{0};

  mutable std::mutex mutex_;  // of what follows: read from any thread
  Phase phase_ = Phase::kObserve;
  std::optional<Budget> next_budget_;
  std::shared_ptr<const Profile> profile_;
  std::shared_ptr<const Plan> plan_;
  Usage usage_;
  std::optional<MemoryBreakdown> last_overrun_;

  const HostRoom host_room_{memory(), options_, budget_};
  const Answering answering_{memory(), this};  // the last member: it may be asked from the first moment on
};

}  // namespace cinch::hooks
