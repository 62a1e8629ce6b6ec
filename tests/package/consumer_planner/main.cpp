// A profile of one payload with two options; the limit lets only the smaller one pass.
#include <cinch/planner.h>

#include <iostream>

int main() {
  cinch::Profile profile;
  profile.cinch_version = "0.1.0";
  profile.device = "cpu";
  profile.timeline = {{1'000'000}, {5'000'000}, {5'000'000}, {1'000'000}};
  profile.sites.push_back({.name = "fc/linear#0:input", .layer = "fc", .op = "linear", .slot = "input"});
  profile.sites[0].need = cinch::Need::kLinear;
  profile.sites[0].sizes = {1000, 1000};
  profile.sites[0].payload = 0;

  cinch::PayloadProfile payload;
  payload.sites = {0};
  payload.numel = 1'000'000;
  payload.raw_bytes = 4'000'000;
  payload.saved_at = 0;
  payload.exclusive_at = 0;
  payload.freed_at = 3;
  payload.options.push_back({.spec = {}, .charged_bytes = 4'000'000});
  payload.options.push_back({.spec = {"group_quant", {{"bits", int64_t{2}}}},
                             .charged_bytes = 281'250,
                             .noise_variance = 0.001,
                             .seconds = 0.001,
                             .lossless = false});
  profile.payloads.push_back(payload);

  const cinch::Plan plan = cinch::make_plan(profile, cinch::Budget::bytes(3'000'000));
  for (const cinch::PlanEntry& entry : plan.entries) {
    std::cout << entry.site << " -> " << cinch::to_string(entry.spec) << '\n';
  }
  std::cout << "predicted peak " << cinch::format_bytes(plan.predicted_peak_bytes) << '\n';
  return plan.entries.size() == 1 && plan.entries[0].spec.name == "group_quant" &&
                 plan.predicted_peak_bytes <= 3'000'000
             ? 0
             : 1;
}
