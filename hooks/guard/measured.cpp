// What a controller does with what replays measured.
#include <torch/version.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "hooks/guard/controller.h"
#include "planner/choosable.h"
#include "planner/noise_prior.h"
#include "planner/replay_room.h"

namespace cinch::hooks {
namespace {

// A bound that is missed by less, or sooner after the last plan, is chance.
constexpr double kMissedBy = 0.005;
// So much more or less noise than was planned is worth a plan.
constexpr double kDrift = 0.1;
constexpr double kBytesDrift = 0.02;
// Of the newest step's time, in what is foretold of the next ones; what is shorter in all is not worth timing.
constexpr double kNewestSeconds = 0.3, kLeastSeconds = 1e-4;
// Of the noise that is allowed.
constexpr double kCaution = 0.9;
constexpr int64_t kStepsBetweenPlans = 10;

}  // namespace

// Of the sites whose turn it is, errors are measured in the backward, and options where they are coded. Such an
// iteration runs under a plan that leaves room for that, where there is one. The noise that it is planned with.
double Controller::begin_measuring() {
  auto current = plan();
  const bool enabled = measuring() && current && !recorder_;
  bool roomy = false;
  if (enabled && session_->replay->due()) {
    if (!roomy_plan_) roomy_plan_ = roomy_plan();
    roomy = *roomy_plan_ != nullptr;
  }
  if (roomy) current = *roomy_plan_;
  if (roomy || std::exchange(under_roomy_, roomy)) session_->store->set_policy(std::make_shared<Policy>(*current));
  under_roomy_ = roomy;
  session_->replay->begin_iteration(enabled);
  if (!recorder_ && refresh_) {
    std::vector<std::string> chosen = session_->replay->chosen();
    const bool any = !chosen.empty();
    refresh_->choose(std::move(chosen));
    session_->store->set_listener(any ? refresh_ : nullptr);
  }
  return current ? current->predicted_noise : 0;
}

// Estimates know no caches, threads and fresh pages. One factor for all options, so that what plans prefer does not
// depend on the clock. Steps that measure count their trials too, and are left out.
void Controller::take_coding_seconds(double seconds) {
  const auto current = plan();
  if (!measuring() || !current || recorder_ || phase() != Phase::kRun) return;
  if (since_plan_ == 0 || current->predicted_extra_seconds < kLeastSeconds || !session_->replay->chosen().empty())
    return;
  const double ratio = seconds / current->predicted_extra_seconds;
  slowness_ += kNewestSeconds * (std::clamp(ratio, slowness_ / 2, slowness_ * 2) - slowness_);
}

void Controller::take_measured(double noise_variance) {
  const bool any = !session_->replay->chosen().empty();
  session_->replay->end_iteration(noise_variance);
  if (any) session_->store->set_sensitivities(session_->replay->sensitivities());
  measured_since_plan_ = measured_since_plan_ || any;
}

// Not on a GPU: its norms would have to be waited for.
bool Controller::measuring() const {
  return options_.measure && !budget_.lossless_only() && memory().kind() == DeviceKind::kCpu;
}

// At a plan's peak instants nothing could be replayed. One that leaves room there, where the budget has one; the limit
// stays what it is.
std::shared_ptr<const Plan> Controller::roomy_plan() const {
  const auto known = profile();
  if (!measuring() || budget_.limit.kind == LimitKind::kNone) return nullptr;
  const std::vector<int64_t> bytes = planner::replay_bytes(planner::choosable(*known, budget_));
  if (std::ranges::all_of(bytes, [](int64_t wanted) { return wanted == 0; })) return nullptr;  // nothing is replayed
  const bool relative =
      budget_.limit.kind == LimitKind::kFractionOfBaseline || budget_.limit.kind == LimitKind::kAboveFloor;
  const int64_t limit = relative ? resolve_limit(*known, budget_) : limit_under(Plan{});
  std::vector<Budget> budgets{budget_};
  if (session_->replay->complete(1)) budgets.insert(budgets.begin(), cautious());
  for (Budget& budget : budgets) budget.limit = {LimitKind::kBytes, static_cast<double>(limit)};
  for (const Budget& budget : budgets) {
    std::shared_ptr<const Plan> best;
    for (int eighths = 0, too_many = 8; too_many - eighths > 1;) {
      const int between = (eighths + too_many) / 2;
      try {
        Plan plan =
            make_plan(planner::with_replay_room(*known, bytes, limit - known->reserve_bytes, between / 8.0), budget);
        const Plan real = apply_plan(plan, *known);
        plan.predicted_peak_bytes = real.predicted_peak_bytes;
        plan.baseline_peak_bytes = real.baseline_peak_bytes;
        plan.floor_bytes = real.floor_bytes;
        best = std::make_shared<Plan>(std::move(plan));
        eighths = between;
      } catch (const Error&) {
        too_many = between;  // with less room, then, or nearer to the bounds; where plans are asked for more is said
      }
    }
    if (best) return best;
  }
  return nullptr;
}

// Measured noise is an estimate, and moves: what plans aim at lies a little below what the user allows.
Budget Controller::cautious() const {
  Budget budget = budget_;
  if (budget.max_gradient_noise) *budget.max_gradient_noise *= kCaution;
  if (budget.min_effective_batch > 0) {
    const double variance_share = (1 / budget.min_effective_batch - 1) * kCaution * kCaution;
    budget.min_effective_batch = 1 / (1 + variance_share);
  }
  return budget;
}

// Until everything has been measured once, it leaves room for that.
std::shared_ptr<const Plan> Controller::best_plan() const {
  const bool measured = session_->replay->complete(1);
  if (!measured)
    if (auto roomy = roomy_plan()) return roomy;
  try {
    if (measured) return std::make_shared<Plan>(make_plan(*profile(), cautious()));
  } catch (const BudgetError&) {
    // Up to the bound, then.
  }
  return std::make_shared<Plan>(make_plan(*profile(), budget_));
}

std::string Controller::profile_name() const {
  return options_.profile ? "GuardOptions.profile" : "profile " + options_.load_profile;
}

// Before the first iteration. The plan is made at once, from what an earlier run observed and measured.
void Controller::take_over_profile() {
  if (!options_.load_profile.empty() && options_.profile)
    throw Error("GuardOptions.load_profile and profile exclude each other");
  auto known =
      std::make_shared<Profile>(options_.profile ? *options_.profile : Profile::from_json_file(options_.load_profile));
  const auto refuse = [&](const std::string& why) {
    throw Error(profile_name() + " " + why + "; observe again and save a new one");
  };
  if (known->device != options_.device.str())
    refuse("is of device " + known->device + ", the guard for " + options_.device.str());
  if (known->torch_version != TORCH_VERSION)
    refuse("was made with torch " + known->torch_version + ", not " TORCH_VERSION);
  session_->replay->resume(planner::choosable(*known, budget_));
  session_->store->set_sensitivities(session_->replay->sensitivities());
  planned_with_measured_ = session_->replay->complete(1);
  refresh_ = std::make_shared<Refresh>(session_->store, session_->sites, budget_.rules);
  if (!options_.save_profile.empty()) known->save(options_.save_profile);
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    profile_ = std::move(known);
    usage_.floor_bytes = profile_->floor_bytes();
  }
  if (!options_.load_plan.empty()) return;  // that plan is taken, and measuring goes on
  plan_now();
  begin_planned();
}

// The profile as it was observed, but for what its options cost.
Profile Controller::as_measured() const {
  Profile now = *profile();
  for (PayloadProfile& payload : now.payloads)
    for (Option& option : payload.options) option.seconds *= slowness_;
  if (refresh_) refresh_->apply(now);
  session_->replay->apply(now);  // prices them
  return now;
}

void Controller::price_profile() {
  auto priced = std::make_shared<Profile>(as_measured());
  slowness_ = 1;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    profile_ = priced;
  }
  if (!options_.save_profile.empty()) priced->save(options_.save_profile);
}

bool Controller::worth_planning_anew() {
  const auto known = profile();
  const auto current = plan();
  if (!known || !current || phase() != Phase::kRun) return false;
  if (!planned_with_measured_) return planned_with_measured_ = session_->replay->complete(1);
  if (since_plan_ < kStepsBetweenPlans || !std::exchange(measured_since_plan_, false)) return false;
  const Profile now = as_measured();
  const double planned = planner::noise_variance_of(*current, *known);
  const double variance = planner::noise_variance_of(*current, now);
  const auto misses = [&](const Profile& priced, double noise) {
    const double v = priced.gradient_variance;
    if (budget_.max_gradient_noise && std::sqrt(noise) > *budget_.max_gradient_noise) return true;
    return noise > 0 && v / (v + noise) < budget_.min_effective_batch - kMissedBy;
  };
  // One that was missed already when the plan was made is not kept by making it again.
  if (misses(now, variance) && !misses(*known, planned)) return true;
  const double drift = (1 + kDrift) * (1 + kDrift);
  if (variance > planned * drift || planned > variance * drift) return true;
  const double bytes = planner::charged_bytes_of(*current, now), before = planner::charged_bytes_of(*current, *known);
  return std::abs(bytes - before) > kBytesDrift * before;
}

// The best one, the one with the least noise under the limit where none keeps the bounds, or null: not even that.
std::shared_ptr<const Plan> Controller::measured_plan() const {
  try {
    return best_plan();
  } catch (const Error& error) {
    emit(Event::Kind::kWarning,
         std::string("measured while training, no plan keeps both the limit and the noise bounds (") + error.what() +
             "); the one with the least noise under the limit is used, or the last one");
  }
  // The reclaimer, whose bound it passes, adds nothing more.
  Budget within_limit = budget_;
  within_limit.objective = Objective::kLeastNoise;
  within_limit.min_effective_batch = 0;
  within_limit.max_gradient_noise.reset();
  try {
    return std::make_shared<Plan>(make_plan(*profile(), within_limit));
  } catch (const Error&) {
    return nullptr;
  }
}

// Ending a run for what was measured is not what a guard is for: without another plan the last one stays, and under the
// limit the reclaimer makes room.
void Controller::plan_with_measured() {
  price_profile();
  since_plan_ = 0;
  if (auto plan = measured_plan()) put_in_force(std::move(plan));
}

}  // namespace cinch::hooks
