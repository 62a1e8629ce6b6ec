// What a controller does with what replays measured.
#include <torch/version.h>

#include <algorithm>
#include <utility>

#include "hooks/guard/controller.h"
#include "planner/noise_prior.h"

namespace cinch::hooks {
namespace {

// A bound that is missed by less, or sooner after the last plan, is chance.
constexpr double kMissedBy = 0.005;
// So much more or less noise than was planned is worth a plan.
constexpr double kDrift = 0.1;
constexpr int64_t kStepsBetweenPlans = 10;

}  // namespace

void Controller::take_measured(double noise_variance) {
  const bool any = session_->replay->scheduled() > 0;
  session_->replay->end_iteration(noise_variance);
  if (any) session_->store->set_sensitivities(session_->replay->sensitivities());
  measured_since_plan_ = measured_since_plan_ || any;
}

// Not on a GPU: its norms would have to be waited for.
bool Controller::measuring() const {
  return options_.measure && !budget_.lossless_only() && memory().kind() == DeviceKind::kCpu;
}

// Until everything has been measured once, a plan leaves room for measuring where it can: at its peak instants nothing
// could be replayed otherwise. The limit stays what it is.
Plan Controller::best_plan() const {
  const auto known = profile();
  if (measuring() && budget_.limit.kind != LimitKind::kNone && !session_->replay->complete(1)) {
    int64_t largest = 0;
    for (const PayloadProfile& payload : known->payloads)
      if (std::ranges::any_of(payload.options, [](const Option& option) { return !option.lossless; }))
        largest = std::max(largest, payload.raw_bytes);
    Profile roomy = *known;
    for (const int64_t share : {4, 2, 1}) {
      roomy.reserve_bytes = known->reserve_bytes + share * largest;
      try {
        return make_plan(roomy, budget_);
      } catch (const BudgetError&) {
        // With less room, then.
      }
    }
  }
  return make_plan(*known, budget_);
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
  session_->replay->resume(*known);
  session_->store->set_sensitivities(session_->replay->sensitivities());
  planned_with_measured_ = session_->replay->complete(1);
  if (!options_.save_profile.empty()) known->save(options_.save_profile);
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    profile_ = std::move(known);
  }
  if (!options_.load_plan.empty()) return;  // that plan is taken, and measuring goes on
  plan_now();
  begin_planned();
}

// The profile stays as it was observed, but for what its options cost.
void Controller::price_profile() {
  auto priced = std::make_shared<Profile>(*profile());
  session_->replay->apply(*priced);
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
  if (!std::exchange(measured_since_plan_, false) || since_plan_ < kStepsBetweenPlans) return false;
  Profile now = *known;
  session_->replay->apply(now);
  const double planned = planner::noise_variance_of(*current, *known);
  const double variance = planner::noise_variance_of(*current, now);
  const auto misses = [&](const Profile& priced, double noise) {
    const double v = priced.gradient_variance;
    return noise > 0 && v / (v + noise) < budget_.min_effective_batch - kMissedBy;
  };
  // One that was missed already when the plan was made is not kept by making it again.
  if (misses(now, variance) && !misses(*known, planned)) return true;
  const double drift = (1 + kDrift) * (1 + kDrift);
  return variance > planned * drift || planned > variance * drift;
}

void Controller::plan_with_measured() {
  price_profile();
  try {
    plan_now();
    return;
  } catch (const BudgetError& error) {
    emit(Event::Kind::kWarning,
         std::string("measured while training, no plan keeps both the limit and the noise bounds (") + error.what() +
             "); the one with the least noise under the limit is used");
  }
  // Ending a run for it is not what a guard is for; the reclaimer, whose bound it passes, adds nothing more.
  Budget within_limit = budget_;
  within_limit.objective = Objective::kLeastNoise;
  within_limit.min_effective_batch = 0;
  within_limit.max_gradient_noise.reset();
  auto plan = std::make_shared<Plan>(make_plan(*profile(), within_limit));
  if (!options_.save_plan.empty()) plan->save(options_.save_plan);
  adopt(std::move(plan));
}

}  // namespace cinch::hooks
