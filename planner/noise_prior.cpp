#include "planner/noise_prior.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "planner/spec_json.h"

namespace cinch::planner {
namespace {

// Variance per unit of rel_mse that one payload adds, times the number of weight payloads.
// Weights: between what ResNet-18 (0.15) and the GPT (0.27) showed.
constexpr double kWeightShare = 0.2;
constexpr double kInputShare = 0.037;
constexpr double kNormalisationShare = 0.006;
// Log-softmax: 2.2 / 0.083, by one payload, however many others there are.
constexpr double kUpstream = 26.0;
constexpr double kLargest = 1e6;
constexpr double kBelieved = 4;

}  // namespace

double sensitivity_prior(const PriorInput& input) noexcept {
  if (input.reach == Reach::kUpstream || !is_value(input.need)) return kUpstream;
  double share = kWeightShare + kInputShare;
  if (input.reach == Reach::kWeightGrad) share = kWeightShare;
  if (input.reach == Reach::kInputGrad) share = kInputShare;
  if (input.reach == Reach::kNormalisation) share = kNormalisationShare;
  return share / static_cast<double>(std::max<int64_t>(input.weight_payloads, 1));
}

double noise_of(Need need, double sensitivity, double rel_mse) noexcept {
  if (std::isnan(rel_mse) || std::isnan(sensitivity)) return kLargest;
  const double error = std::max(rel_mse, 0.0);
  return std::min(sensitivity * error * (need == Need::kNonlinear ? 1.0 + error : 1.0), kLargest);
}

double noise_of(const SiteProfile& site, double rel_mse) noexcept {
  double sensitivity = site.sensitivity;
  if (site.need == Need::kNonlinear && site.replays > 0 && rel_mse > kBelieved * site.replayed_error)
    sensitivity = std::max(sensitivity, site.prior_sensitivity);
  return noise_of(site.need, sensitivity, rel_mse);
}

void spread_measurements(Profile& profile) {
  std::map<std::pair<std::string, std::string>, std::vector<double>> factors;
  const auto has_prior = [](const SiteProfile& site) { return is_value(site.need) && site.prior_sensitivity > 0; };
  for (const SiteProfile& site : profile.sites)
    if (has_prior(site) && site.replays > 0)
      factors[{site.op, site.slot}].push_back(site.sensitivity / site.prior_sensitivity);
  for (auto& [kind, values] : factors) std::ranges::sort(values);
  for (SiteProfile& site : profile.sites) {
    if (!has_prior(site) || site.replays > 0) continue;
    const auto found = factors.find({site.op, site.slot});
    if (found == factors.end()) continue;
    const std::vector<double>& sorted = found->second;
    site.sensitivity = site.prior_sensitivity * sorted[sorted.size() * 3 / 4];
  }
}

void reprice(Profile& profile) noexcept {
  for (PayloadProfile& payload : profile.payloads)
    for (Option& option : payload.options) {
      if (option.lossless || option.relative_error == 0) continue;
      option.noise_variance = 0;
      for (const int32_t index : payload.sites) {
        const SiteProfile& site = profile.sites[static_cast<size_t>(index)];
        if (is_value(site.need)) option.noise_variance += noise_of(site, option.relative_error);
      }
      option.noise_variance = std::min(option.noise_variance, kLargest);
    }
}

namespace {

// Sums `of` the plan's options as the profile has them now, and `as_planned` of those that it does not have.
template <typename Of, typename AsPlanned>
double sum_under(const Plan& plan, const Profile& profile, Of of, AsPlanned as_planned) {
  std::unordered_map<std::string, const PayloadProfile*> by_site;
  for (const PayloadProfile& payload : profile.payloads)
    if (!payload.sites.empty()) by_site[profile.sites[static_cast<size_t>(payload.sites.front())].name] = &payload;
  double sum = 0;
  for (const PlanEntry& entry : plan.entries) {
    double value = as_planned(entry);  // nothing, where an earlier site of the payload is charged
    if (const auto found = by_site.find(entry.site); found != by_site.end())
      for (const Option& option : found->second->options)
        if (same_spec(option.spec, entry.spec)) value = of(option);
    sum += value;
  }
  return sum;
}

}  // namespace

double charged_bytes_of(const Plan& plan, const Profile& profile) {
  return sum_under(
      plan, profile, [](const Option& option) { return static_cast<double>(option.charged_bytes); },
      [](const PlanEntry& entry) { return static_cast<double>(entry.charged_bytes); });
}

double noise_variance_of(const Plan& plan, const Profile& profile) {
  return sum_under(
      plan, profile, [](const Option& option) { return option.noise_variance; },
      [](const PlanEntry& entry) { return entry.noise_variance; });
}

}  // namespace cinch::planner
