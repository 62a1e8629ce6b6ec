// What the page shows, as data: the page only draws and sorts.
#include <algorithm>
#include <map>

#include "cinch/error.h"
#include "cinch/planner.h"
#include "planner/describe.h"
#include "planner/plan_options.h"
#include "planner/profile_check.h"
#include "src/report/report.h"
#include "src/report/timeline.h"

namespace cinch::report {
namespace {

using nlohmann::ordered_json;
using planner::noise_share;

double ratio(int64_t raw, int64_t charged) {
  return charged > 0 ? static_cast<double>(raw) / static_cast<double>(charged) : 0;
}

ordered_json figures(const Input& input, const Plan& plan, int64_t limit_bytes) {
  ordered_json all{{"baseline_peak_bytes", plan.baseline_peak_bytes}, {"floor_bytes", plan.floor_bytes}};
  if (limit_bytes > 0) all["limit_bytes"] = limit_bytes;
  if (input.plan) all["predicted_peak_bytes"] = plan.predicted_peak_bytes;
  all["raw_bytes"] = plan.raw_bytes;
  if (input.plan) {
    all["charged_bytes"] = plan.charged_bytes;
    if (plan.charged_bytes > 0) all["ratio"] = ratio(plan.raw_bytes, plan.charged_bytes);
    all["noise"] = plan.predicted_noise;
    all["effective_batch"] = plan.predicted_effective_batch;
    all["extra_seconds"] = plan.predicted_extra_seconds;
  }
  if (!input.run) return all;
  all["measured_peak_bytes"] = input.run->peak_bytes;
  if (input.run->baseline_peak_bytes) all["measured_baseline_peak_bytes"] = *input.run->baseline_peak_bytes;
  all["steps"] = input.run->steps;
  all["steps_over_limit"] = input.run->steps_over_limit;
  all["reclaims"] = input.run->reclaims;
  if (input.run->step_seconds > 0) all["step_seconds"] = input.run->step_seconds;
  return all;
}

ordered_json sites(const Plan& plan) {
  ordered_json rows = ordered_json::array();
  for (const PlanEntry& entry : plan.entries) {
    ordered_json row{{"site", entry.site},
                     {"layer", entry.layer},
                     {"op", entry.op},
                     {"need", to_string(entry.need)},
                     {"method", entry.spec.name},
                     {"spec", to_string(entry.spec)},
                     {"shared", entry.raw_bytes == 0},
                     {"raw_bytes", entry.raw_bytes},
                     {"charged_bytes", entry.charged_bytes}};
    if (entry.charged_bytes > 0) row["ratio"] = ratio(entry.raw_bytes, entry.charged_bytes);
    row["noise_share"] = noise_share(plan, entry.noise_variance);
    row["seconds"] = entry.seconds;
    rows.push_back(std::move(row));
  }
  return rows;
}

// Sums of the sites, in order of a layer's first one.
ordered_json layers(const Plan& plan) {
  struct Sum {
    int64_t charged_bytes = 0;
    double noise_variance = 0;
  };
  struct Layer {
    std::string name;
    int64_t raw_bytes = 0;
    std::map<std::string, Sum> methods;
  };
  std::vector<Layer> found;
  std::map<std::string, size_t> index;
  for (const PlanEntry& entry : plan.entries) {
    const auto [place, added] = index.emplace(entry.layer, found.size());
    if (added) found.push_back({entry.layer, 0, {}});
    Layer& layer = found[place->second];
    layer.raw_bytes += entry.raw_bytes;
    if (entry.raw_bytes == 0) continue;  // charged to an earlier site
    Sum& sum = layer.methods[entry.spec.name];
    sum.charged_bytes += entry.charged_bytes;
    sum.noise_variance += entry.noise_variance;
  }
  ordered_json rows = ordered_json::array();
  for (const Layer& layer : found) {
    ordered_json methods = ordered_json::array();
    Sum all;
    for (const auto& [name, sum] : layer.methods) {
      methods.push_back({{"method", name},
                         {"charged_bytes", sum.charged_bytes},
                         {"noise_share", noise_share(plan, sum.noise_variance)}});
      all.charged_bytes += sum.charged_bytes;
      all.noise_variance += sum.noise_variance;
    }
    rows.push_back({{"layer", layer.name},
                    {"raw_bytes", layer.raw_bytes},
                    {"charged_bytes", all.charged_bytes},
                    {"noise_share", noise_share(plan, all.noise_variance)},
                    {"methods", std::move(methods)}});
  }
  return rows;
}

// The whole curve, without noise bounds, so that it shows what they forbid too.
ordered_json curve(const Input& input, const Plan& plan) {
  Budget budget;
  budget.min_effective_batch = 0;
  if (input.plan) budget.objective = input.plan->objective;
  ordered_json points = ordered_json::array();
  for (const FrontierPoint& point : frontier(input.profile, budget))
    points.push_back({{"limit_bytes", point.limit_bytes},
                      {"predicted_peak_bytes", point.predicted_peak_bytes},
                      {"noise", point.noise},
                      {"extra_seconds", point.extra_seconds}});
  ordered_json document{{"points", std::move(points)}};
  if (input.plan) {
    const int64_t needed = plan.predicted_peak_bytes + input.profile.reserve_bytes;
    document["chosen"] = {{"limit_bytes", plan.limit_bytes > 0 ? plan.limit_bytes : needed},
                          {"noise", plan.predicted_noise},
                          {"extra_seconds", plan.predicted_extra_seconds}};
  }
  return document;
}

std::string with_count(size_t number, const std::string& noun) {
  return std::to_string(number) + " " + noun + (number == 1 ? "" : "s");
}

ordered_json notes(const Input& input, const Plan& plan, int64_t limit_bytes) {
  ordered_json lines = ordered_json::array();
  if (!input.plan) lines.push_back("There is no plan: all tensors are shown as they are.");
  if (!plan.unknown_sites.empty())
    lines.push_back(with_count(plan.unknown_sites.size(), "site") +
                    " of the profile stay exact: the plan does not know them or cannot serve them.");
  if (input.plan && limit_bytes > 0 && plan.predicted_peak_bytes > limit_bytes)
    lines.push_back("The predicted peak is above the limit.");
  if (input.run && input.run->steps_over_limit > 0)
    lines.push_back("The measured peak was above the limit in " +
                    with_count(static_cast<size_t>(input.run->steps_over_limit), "step") + ".");
  if (input.profile.gradient_pairs == 0)
    lines.push_back("The variance of the mini-batch gradient was not measured: the effective batch rests on a guess.");
  return lines;
}

}  // namespace

ordered_json make_document(const Input& input) {
  const Profile& profile = input.profile;
  planner::require_sound(profile);
  if (input.plan && input.plan->fingerprint != profile.fingerprint)
    throw Error("the plan was made for another program than the profile shows (fingerprint " + input.plan->fingerprint +
                ", the profile's is " + profile.fingerprint + ")");
  // Predicted anew from this profile, so that all parts of the page agree.
  std::vector<int32_t> options(profile.payloads.size(), 0);
  Plan plan;
  if (input.plan) {
    options = planner::plan_options(*input.plan, profile).options;
    plan = apply_plan(*input.plan, profile);
  } else {
    plan = planner::describe(profile, options, 0, profile.floor_bytes());
  }
  const int64_t limit_bytes = plan.limit_bytes > 0 ? plan.limit_bytes : input.run ? input.run->limit_bytes : 0;
  ordered_json document{{"schema", "cinch.report/1"},
                        {"title", input.title},
                        {"cinch_version", plan.cinch_version},
                        {"torch_version", profile.torch_version},
                        {"device", profile.device},
                        {"fingerprint", profile.fingerprint},
                        {"planned", input.plan.has_value()}};
  if (profile.batch > 0) document["batch"] = profile.batch;
  document["figures"] = figures(input, plan, limit_bytes);
  document["notes"] = notes(input, plan, limit_bytes);
  document["timeline"] = timeline_document(profile, options, input.plan.has_value());
  document["layers"] = layers(plan);
  document["frontier"] = curve(input, plan);
  document["sites"] = sites(plan);
  return document;
}

}  // namespace cinch::report
