#include <algorithm>
#include <map>

#include "cinch/planner.h"
#include "planner/describe.h"
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

Plan apply_plan(const Plan& plan, const Profile& profile) {
  planner::require_sound(profile);
  std::map<std::string, const CodecSpec*> specs;
  for (const PlanEntry& entry : plan.entries) specs.emplace(entry.site, &entry.spec);
  std::vector<int32_t> options(profile.payloads.size(), 0);
  std::vector<std::string> unknown;
  for (size_t i = 0; i < options.size(); ++i) {
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
    if (agreed) options[i] = option;
  }
  for (const SiteProfile& site : profile.sites) {
    const auto spec = specs.find(site.name);
    const bool followed =
        spec != specs.end() &&
        (site.payload < 0 ||
         planner::same_spec(profile.payloads[site.payload].options[options[site.payload]].spec, *spec->second));
    if (!followed) unknown.push_back(site.name);
  }
  Plan applied = planner::describe(profile, options, plan.limit_bytes, profile.floor_bytes());
  applied.unknown_sites = std::move(unknown);
  return applied;
}

}  // namespace cinch
