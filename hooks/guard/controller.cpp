#include "hooks/guard/controller.h"

#include <torch/version.h>

#include <cstdio>

#include "cinch/version.h"
#include "hooks/guard/guard_engine.h"
#include "planner/choosable.h"
#include "planner/problem.h"

namespace cinch::hooks {
namespace {

// An iteration that saves at unforeseen sites is observed again, but not more often than this many steps.
constexpr int64_t kStepsBetweenObserving = 100;

std::string hex(uint64_t value) {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(value));
  return text;
}

}  // namespace

Controller::Controller(Budget budget, GuardOptions options, std::shared_ptr<Session> session)
    : budget_(std::move(budget)),
      options_(std::move(options)),
      session_(std::move(session)),
      step_started_(std::chrono::steady_clock::now()) {
  if (!options_.budget_file.empty()) {
    budget_ = Budget::from_json_file(options_.budget_file);
    budget_file_time_ = std::filesystem::last_write_time(options_.budget_file);
  }
  validate(budget_);
  if (options_.observe_steps < 1) throw Error("GuardOptions.observe_steps must be at least 1");
  if (options_.replan_interval < 0) throw Error("GuardOptions.replan_interval must not be negative");
  if (options_.batch < 0) throw Error("GuardOptions.batch must not be negative");
  if (options_.host_pool_bytes.value_or(0) < 0) throw Error("GuardOptions.host_pool_bytes must not be negative");
  if (options_.trace_steps < 0) throw Error("GuardOptions.trace_steps must not be negative");
  if (!options_.trace.empty()) trace_ = std::make_shared<trace::TraceLog>(options_.trace);
  session_->store->set_trace(trace_);
  session_->store->trace_detail(options_.trace_steps > 0);
  take_over_limit();
  const bool known = !options_.load_profile.empty() || options_.profile;
  if (known) take_over_profile();
  if (!options_.load_plan.empty()) {
    take_over_plan(Plan::from_json_file(options_.load_plan));
  } else if (options_.observe_steps == 1 && !known) {
    begin_observing();
  }
}

Controller::~Controller() {
  session_->store->set_listener(nullptr);
  session_->store->set_reclaim(false, 0, nullptr, nullptr);
  session_->store->trace_detail(false);
  if (trace_) trace_->close();
  for (const auto& [storage, earlier] : earlier_) memory().meter().sub(earlier.bytes);
}

// The file's forms and prediction are taken over; the limit and what is allowed remain the budget's.
void Controller::take_over_plan(Plan plan) {
  const auto refuse = [&](const std::string& why) {
    throw Error("plan " + options_.load_plan + " " + why + "; observe again and save a new one");
  };
  if (plan.device != options_.device.str())
    refuse("is for device " + plan.device + ", the guard for " + options_.device.str());
  if (plan.torch_version != TORCH_VERSION) refuse("was made with torch " + plan.torch_version + ", not " TORCH_VERSION);
  for (const PlanEntry& entry : plan.entries)
    if (!planner::allows(budget_, entry.spec.name))
      refuse("codes " + entry.site + " with " + entry.spec.name + ", which the budget does not allow");
  if (plan.predicted_noise * plan.predicted_noise > variance_bound() * (1 + 1e-9))
    refuse("has a predicted gradient noise of " + std::to_string(plan.predicted_noise) +
           ", more than the budget's bounds allow");
  const int64_t limit = limit_under(plan);
  if (limit == 0 && budget_.limit.kind != LimitKind::kNone)
    refuse("has no limit, which a relative budget would take from it");
  if (limit > 0 && plan.predicted_peak_bytes > limit)
    refuse("needs " + format_bytes(plan.predicted_peak_bytes) + ", more than the limit of " + format_bytes(limit));
  adopt(std::make_shared<Plan>(std::move(plan)));
  begin_planned();
}

// The first iteration has a plan, which was made for the graph of another run.
void Controller::begin_planned() {
  const auto current = plan();
  session_->store->begin_iteration(session_->iteration.load(), current->predicted_noise * current->predicted_noise);
  check_fingerprint_ = true;
}

// An iteration that is observed again keeps to the plan that it may replace: without it the limit would not hold.
void Controller::begin_observing() {
  recorder_ = std::make_shared<Recorder>(session_->store, session_->sites, budget_.rules);
  session_->store->set_listener(recorder_);
  session_->gradients->watch(recorder_);
  const std::lock_guard<std::mutex> lock(mutex_);
  phase_ = Phase::kObserve;
}

void Controller::finish_observing() {
  session_->store->set_listener(nullptr);
  const auto recorder = std::move(recorder_);  // it is over, also where finishing fails
  auto profile = std::make_shared<Profile>(recorder->finish());
  profile->cinch_version = CINCH_VERSION;
  profile->torch_version = TORCH_VERSION;
  profile->device = options_.device.str();
  profile->fingerprint = hex(session_->fingerprint.load());
  profile->parameters_bytes = parameters_bytes_;
  profile->gradients_bytes = gradients_bytes_;
  profile->optimizer_bytes = optimizer_bytes_;
  profile->step_seconds = step_seconds_;
  profile->batch = options_.batch;
  profile->device_bytes = memory().total_bytes();
  session_->replay->apply(*profile);  // V, which no recorder sees
  refresh_ = std::make_shared<Refresh>(session_->store, session_->sites, budget_.rules);
  slowness_ = 1;
  since_observed_ = 0;
  std::shared_ptr<const Profile> before = profile;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    before.swap(profile_);
    usage_.floor_bytes = profile_->floor_bytes();
  }
  if (!options_.save_profile.empty()) profile->save(options_.save_profile);
  try {
    plan_now();
    if (measuring()) session_->replay->offer(planner::choosable(*profile, budget_));
  } catch (const BudgetError&) {
    // A step that ended in OutOfBudget shows a part of itself only; that no plan fits that part says nothing.
    if (!cut_short_) throw;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      profile_ = std::move(before);
      usage_.floor_bytes = profile_ ? profile_->floor_bytes() : 0;
    }
    emit(Event::Kind::kWarning,
         "the observed step ended in OutOfBudget, and no plan fits what it showed; the next one "
         "is observed instead");
    begin_observing();
  }
}

void Controller::plan_now() { put_in_force(best_plan()); }

void Controller::put_in_force(std::shared_ptr<const Plan> plan) {
  if (!options_.save_plan.empty()) plan->save(options_.save_plan);
  adopt(std::move(plan));
}

void Controller::adopt(std::shared_ptr<const Plan> plan) {
  session_->store->set_policy(std::make_shared<Policy>(*plan));
  emit(Event::Kind::kPlan, "plan: predicted peak " + format_bytes(plan->predicted_peak_bytes) + ", payloads " +
                               format_bytes(plan->charged_bytes) + " for " + format_bytes(plan->raw_bytes) +
                               " raw, predicted noise " + std::to_string(plan->predicted_noise));
  if (budget_.limit.kind != LimitKind::kNone) set_limit(limit_under(*plan));
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (plan_) ++usage_.replans;
    plan_ = std::move(plan);
    phase_ = Phase::kRun;
  }
  since_plan_ = 0;
  roomy_plan_.reset();
  under_roomy_ = false;
  configure_reclaim();
}

void Controller::check_loaded_plan() {
  if (!check_fingerprint_) return;
  check_fingerprint_ = false;
  const std::string seen = hex(session_->fingerprint.load());
  if (plan()->fingerprint != seen)
    throw Error("plan " + (options_.load_plan.empty() ? "of " + profile_name() : options_.load_plan) +
                " was made for another graph (fingerprint " + plan()->fingerprint + ", this program has " + seen +
                "); observe again and save a new one");
}

void Controller::check_budget_file() {
  if (options_.budget_file.empty()) return;
  std::error_code error;
  const auto time = std::filesystem::last_write_time(options_.budget_file, error);
  if (error || time == *budget_file_time_) return;
  budget_file_time_ = time;
  try {
    Budget changed = Budget::from_json_file(options_.budget_file);
    validate(changed);
    replan(std::move(changed));
  } catch (const std::exception& e) {
    // An editor may have written half of it; the run must not end for that.
    emit(Event::Kind::kWarning, std::string("budget file not taken over: ") + e.what());
  }
}

void Controller::check_engine() {
  if (install_guard_engine())
    emit(Event::Kind::kWarning,
         "another autograd engine had been installed over cinch's (a Python that loaded torch later?); put back in "
         "front");
}

void Controller::step() {
  end_iteration();
  std::exception_ptr error;
  try {
    decide();
  } catch (...) {
    error =
        std::current_exception();  // the next iteration begins in order all the same: the caller may replan and go on
  }
  begin_iteration();
  if (error) std::rethrow_exception(error);
}

void Controller::decide() {
  check_loaded_plan();
  check_engine();
  check_budget_file();
  const int64_t unforeseen = session_->store->unforeseen();
  std::optional<Budget> next;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    next.swap(next_budget_);
  }
  if (next) {
    budget_ = std::move(*next);
    take_over_limit();
  }
  ++observed_;
  ++since_plan_;
  ++since_observed_;
  const bool again = (options_.replan_interval > 0 && since_observed_ >= options_.replan_interval) ||
                     (unforeseen > 0 && since_observed_ >= kStepsBetweenObserving);
  if (recorder_) {
    finish_observing();
  } else if (next && profile()) {
    price_profile();
    if (measuring()) session_->replay->offer(planner::choosable(*profile(), budget_));
    planned_with_measured_ = session_->replay->complete(1);
    plan_now();
  } else if (phase() == Phase::kObserve) {
    if (observed_ >= options_.observe_steps - 1) begin_observing();
  } else if (next || again) {
    begin_observing();
  } else if (worth_planning_anew()) {
    plan_with_measured();
  }
}

void Controller::begin_iteration() {
  const double planned = begin_measuring();
  session_->sites->begin_iteration();
  session_->iteration.fetch_add(1);
  session_->fingerprint.store(0);
  session_->backwards_since_step.store(0);
  cut_short_ = false;
  session_->store->begin_iteration(session_->iteration.load(), planned * planned);
  session_->store->raw_ledger().reset_peaks();
  session_->store->charged_ledger().reset_peaks();
  memory().meter().reset_peak();
  memory().in_use().reset_peak();
  step_started_ = std::chrono::steady_clock::now();
}

void Controller::replan(Budget budget) {
  validate(budget);
  const std::lock_guard<std::mutex> lock(mutex_);
  next_budget_ = std::move(budget);
}

}  // namespace cinch::hooks
