#include "src/cli/instants.h"

#include <algorithm>

#include "cinch/budget.h"
#include "planner/plan_options.h"
#include "planner/simulate.h"

namespace cinch::cli {
namespace {

// "layer/op#0:slot" without the slot.
std::string op_of(const Profile& profile, const PayloadProfile& payload) {
  if (payload.sites.empty()) return "an op without a site";
  const std::string& name = profile.sites[payload.sites.front()].name;
  return name.substr(0, name.find_last_of(':'));
}

}  // namespace

std::string what_happens(const Profile& profile, int32_t instant) {
  const PayloadProfile* used = nullptr;
  const PayloadProfile* saved = nullptr;
  int32_t last_save = -1;
  for (const PayloadProfile& payload : profile.payloads) {
    for (const Use& use : payload.uses)
      if (use.begin <= instant && instant <= use.end) used = &payload;
    if (payload.saved_at <= instant && payload.saved_at > last_save) {
      last_save = payload.saved_at;
      saved = &payload;
    }
  }
  if (used) return "backward of " + op_of(profile, *used);
  if (!saved) return "before the first save";
  if (last_save == instant) return "forward of " + op_of(profile, *saved);
  return "after the save of " + op_of(profile, *saved);
}

std::string peak_text(const Plan& plan, const Profile& profile) {
  const std::vector<int32_t> options = planner::plan_options(plan, profile).options;
  const auto bytes = planner::simulate(profile, options);
  if (bytes.empty()) return "the profile has no instant";
  const auto peak = std::ranges::max_element(bytes) - bytes.begin();
  const int64_t payloads = planner::simulate_payloads(profile, options)[static_cast<size_t>(peak)];
  const int64_t fixed = profile.parameters_bytes + profile.gradients_bytes + profile.optimizer_bytes;
  const int64_t rest = bytes[static_cast<size_t>(peak)] - payloads;
  return "instant " + std::to_string(peak) + " of " + std::to_string(bytes.size()) + ", " +
         what_happens(profile, static_cast<int32_t>(peak)) + "\n          payloads " + format_bytes(payloads) +
         "; parameters, gradients and optimizer at most " + format_bytes(std::min(rest, fixed)) + "; transients " +
         format_bytes(std::max<int64_t>(0, rest - fixed));
}

}  // namespace cinch::cli
