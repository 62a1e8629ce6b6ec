// What a controller does with what replays measured.
#include <cmath>

#include "hooks/guard/controller.h"

namespace cinch::hooks {
namespace {

// Plans are made anew after the first round of measurements, and once more with a second one averaged in.
constexpr int64_t kRounds = 2;
// A bound that is missed by less, or sooner after the last plan, is chance.
constexpr double kMissedBy = 0.005;
constexpr int64_t kStepsBetweenPlans = 10;

}  // namespace

void Controller::take_measured(double noise_variance) {
  const bool any = session_->replay->scheduled() > 0;
  session_->replay->end_iteration(noise_variance);
  if (any) session_->store->set_sensitivities(session_->replay->sensitivities());
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
  if (rounds_planned_ < kRounds && session_->replay->complete(rounds_planned_ + 1)) {
    ++rounds_planned_;
    return true;
  }
  const auto v = session_->replay->gradient_variance();
  if (!v || since_plan_ < kStepsBetweenPlans || *v >= known->gradient_variance) return false;
  const double variance = current->predicted_noise * current->predicted_noise;
  return variance > 0 && *v / (*v + variance) < budget_.min_effective_batch - kMissedBy;
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
