#include <algorithm>
#include <map>

#include "cinch/planner.h"
#include "planner/describe.h"
#include "planner/plan_options.h"
#include "planner/profile_check.h"
#include "planner/simulate.h"
#include "planner/spec_json.h"

namespace cinch {
namespace {

// The option of this form, or -1. `keep` is always there.
int32_t option_of(const PayloadProfile& payload, const CodecSpec& spec) {
  for (size_t i = 0; i < payload.options.size(); ++i) {
    const Option& option = payload.options[i];
    if (!planner::is_kept(option) && !planner::can_be_coded(payload)) continue;
    if (planner::same_spec(option.spec, spec)) return static_cast<int32_t>(i);
  }
  return -1;
}

}  // namespace

planner::PlanOptions planner::plan_options(const Plan& plan, const Profile& profile) {
  std::map<std::string, const CodecSpec*> specs;
  for (const PlanEntry& entry : plan.entries) specs.emplace(entry.site, &entry.spec);
  PlanOptions found{std::vector<int32_t>(profile.payloads.size(), 0), {}};
  for (size_t i = 0; i < found.options.size(); ++i) {
    const PayloadProfile& payload = profile.payloads[i];
    // One form serves all sites of a payload. Where the plan knows only some of them, or wants different forms of
    // them, none but the exact one is sure to serve all.
    int32_t option = -1;
    bool agreed = !payload.sites.empty();
    for (const int32_t site : payload.sites) {
      const auto spec = specs.find(profile.sites[site].name);
      const int32_t wanted = spec == specs.end() ? -1 : option_of(payload, *spec->second);
      agreed = agreed && wanted >= 0 && (option < 0 || option == wanted);
      option = wanted;
    }
    if (agreed) found.options[i] = option;
  }
  for (const SiteProfile& site : profile.sites) {
    const auto spec = specs.find(site.name);
    const bool followed =
        spec != specs.end() &&
        (site.payload < 0 ||
         same_spec(profile.payloads[site.payload].options[found.options[site.payload]].spec, *spec->second));
    if (!followed) found.unknown_sites.push_back(site.name);
  }
  return found;
}

Plan apply_plan(const Plan& plan, const Profile& profile) {
  planner::require_sound(profile);
  planner::PlanOptions found = planner::plan_options(plan, profile);
  Plan applied = planner::describe(profile, found.options, plan.limit_bytes, profile.floor_bytes());
  applied.unknown_sites = std::move(found.unknown_sites);
  return applied;
}

}  // namespace cinch
