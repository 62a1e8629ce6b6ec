#include <algorithm>
#include <map>
#include <set>

#include "cinch/planner.h"
#include "planner/batch_model.h"
#include "planner/curve.h"
#include "planner/describe.h"
#include "planner/problem.h"

namespace cinch {
namespace {

using planner::BatchModel;

// Where plans are looked for, as shares of the observed batch, and for how many limits each time.
constexpr double kBatches[] = {0.25, 1, 8};
constexpr int64_t kLimits = 32;
constexpr int64_t kMostSamples = INT64_C(1) << 40;

// A plan is a choice of options that is kept while the batch varies: then its peak never falls as the batch grows, so
// the largest batch that fits can be found by halves. The choices depend on profiles, rules and bounds and not on what
// is asked, so a larger limit never gives a smaller batch, nor a larger batch a smaller limit.
class Adviser {
 public:
  Adviser(std::span<const Profile> profiles, const Budget& budget) : model_(profiles), budget_(budget) {
    validate(budget);
    // Bytes are what decides; among plans of equal bytes the usual objective.
    budget_.objective = Objective::kLeastNoise;
    budget_.limit = {};
    const int64_t observed = model_.largest().batch;
    for (const double share : kBatches)
      collect(std::max<int64_t>(1, static_cast<int64_t>(share * static_cast<double>(observed))));
  }

  const Profile& observed() const { return model_.largest(); }

  // The largest batch whose bytes stay at or below the limit with this choice; 0: none, kMostSamples: any.
  int64_t largest_within(const std::vector<int32_t>& choice, int64_t limit, int64_t known = 0) {
    const auto fits = [&](int64_t batch) {
      const Profile* profile = at(batch);
      return profile && simulate_peak(*profile, choice) + profile->reserve_bytes <= limit;
    };
    if (!fits(known + 1)) return known;
    int64_t low = known + 1, high = 2 * std::max(low, observed().batch);
    for (; fits(high); high *= 2) {
      if (high >= kMostSamples) return kMostSamples;
      low = high;
    }
    while (high - low > 1) {
      const int64_t middle = low + (high - low) / 2;
      (fits(middle) ? low : high) = middle;
    }
    return low;
  }

  struct Best {
    int64_t batch = 0;
    const std::vector<int32_t>* choice = nullptr;
  };
  Best largest_within(int64_t limit) {
    Best best;
    for (const auto& choice : choices_) {
      const int64_t batch = largest_within(choice, limit, best.batch);
      if (batch > best.batch && keeps_bounds(choice, batch)) best = {batch, &choice};
      if (batch >= kMostSamples) break;
    }
    // Of all plans that do it the one of the least noise.
    for (const auto& choice : choices_) {
      if (best.batch == 0 || best.batch >= kMostSamples || !keeps_bounds(choice, best.batch)) continue;
      const Profile& profile = *at(best.batch);
      if (simulate_peak(profile, choice) + profile.reserve_bytes <= limit &&
          noise(profile, choice) < noise(profile, *best.choice))
        best.choice = &choice;
    }
    return best;
  }

  int64_t smallest_limit(int64_t batch) {
    const Profile* profile = at(batch);
    if (!profile) throw Error("a batch of " + std::to_string(batch) + " needs more bytes than can be counted");
    int64_t smallest = 0;
    for (const auto& choice : choices_) {
      if (!keeps_bounds(choice, batch)) continue;
      const int64_t limit = simulate_peak(*profile, choice) + profile->reserve_bytes;
      smallest = smallest == 0 ? limit : std::min(smallest, limit);
    }
    if (smallest == 0) make_plan(*profile, budget_);  // throws BudgetError with the bounds that would do
    return smallest;
  }

  FrontierPoint point(const Best& best) {
    const Profile& profile = *at(best.batch);
    const Plan plan = planner::describe(profile, *best.choice, 0, 0);
    return {plan.predicted_peak_bytes + profile.reserve_bytes,
            plan.predicted_peak_bytes,
            plan.charged_bytes,
            plan.predicted_noise,
            plan.predicted_effective_batch,
            plan.predicted_extra_seconds};
  }

 private:
  void collect(int64_t batch) {
    const Profile* profile = at(batch);
    if (!profile) return;
    for (auto& plan : planner::plans_along(planner::make_problem(*profile, budget_), budget_.objective, kLimits))
      choices_.insert(std::move(plan.options));
  }

  const Profile* at(int64_t batch) {
    const auto [place, is_new] = profiles_.try_emplace(batch);
    if (is_new) place->second = model_.at(batch);
    return place->second ? &*place->second : nullptr;
  }

  static double noise(const Profile& profile, const std::vector<int32_t>& choice) {
    double sum = 0;
    for (size_t i = 0; i < choice.size(); ++i) sum += profile.payloads[i].options[choice[i]].noise_variance;
    return sum;
  }

  bool keeps_bounds(const std::vector<int32_t>& choice, int64_t batch) {
    const Profile* profile = at(batch);
    return profile && noise(*profile, choice) <= planner::noise_variance_bound(*profile, budget_) * (1 + 1e-12);
  }

  BatchModel model_;
  Budget budget_;
  std::set<std::vector<int32_t>> choices_;
  std::map<int64_t, std::optional<Profile>> profiles_;
};

}  // namespace

BatchAdvice advise_batch(std::span<const Profile> profiles, const Budget& budget) {
  Adviser adviser(profiles, budget);
  const Profile& observed = adviser.observed();
  BatchAdvice advice;
  advice.profiled_batch = observed.batch;
  advice.smallest_limit_bytes = adviser.smallest_limit(observed.batch);
  advice.limit_bytes = resolve_limit(observed, budget);
  if (advice.limit_bytes == 0) return advice;
  const std::vector<int32_t> raw(observed.payloads.size(), 0);
  if (const int64_t batch = adviser.largest_within(raw, advice.limit_bytes); batch < kMostSamples)
    advice.largest_raw_batch = batch;
  const auto best = adviser.largest_within(advice.limit_bytes);
  if (best.batch >= kMostSamples) return advice;
  advice.largest_batch = best.batch;
  if (best.batch > 0) advice.at_largest = adviser.point(best);
  return advice;
}

BatchAdvice advise_batch(const Profile& profile, const Budget& budget) {
  return advise_batch(std::span(&profile, 1), budget);
}

std::vector<int64_t> smallest_limits(std::span<const Profile> profiles, const Budget& budget,
                                     std::span<const int64_t> batches) {
  Adviser adviser(profiles, budget);
  std::vector<int64_t> limits;
  for (const int64_t batch : batches) limits.push_back(adviser.smallest_limit(batch));
  return limits;
}

}  // namespace cinch
