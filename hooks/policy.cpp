#include "hooks/policy.h"

#include "hooks/store/form.h"

namespace cinch::hooks {

Policy::Policy(const Plan& plan) {
  for (const PlanEntry& entry : plan.entries)
    by_name_[entry.site] = PolicyEntry{normalise(entry.spec), shared_codec(entry.spec), entry.noise_variance};
}

const PolicyEntry* Policy::find(SiteId site, const Sites& sites) const {
  const auto index = static_cast<size_t>(site);
  if (index >= asked_.size()) {
    asked_.resize(index + 64, false);
    by_site_.resize(index + 64, nullptr);
  }
  if (!asked_[index]) {
    asked_[index] = true;
    const auto it = by_name_.find(sites[site].name);
    by_site_[index] = it == by_name_.end() ? nullptr : &it->second;
  }
  return by_site_[index];
}

}  // namespace cinch::hooks
