#include "hooks/guard/site_book.h"

#include <string>
#include <unordered_map>

namespace cinch::hooks {

void SiteBook::end_iteration(Store& store) {
  const std::lock_guard<std::mutex> lock(mutex_);
  // Raw comes last to its ledger's sites: what has one there has one everywhere.
  const auto count = static_cast<size_t>(store.raw_ledger().sites());
  released_.resize(count);
  last_.resize(count);
  for (size_t i = 0; i < count; ++i) {
    const auto site = static_cast<int32_t>(i);
    const Bytes now{store.raw_ledger().site(site).released, store.charged_ledger().site(site).released};
    last_[i] = {now.raw - released_[i].raw, now.charged - released_[i].charged};
    released_[i] = now;
  }
}

std::vector<SiteUsage> SiteBook::read(Store& store, const Sites& sites, const Plan* plan) const {
  std::unordered_map<std::string, const PlanEntry*> planned;
  if (plan != nullptr)
    for (const PlanEntry& entry : plan->entries) planned.emplace(entry.site, &entry);
  std::vector<Bytes> last;
  {
    const std::lock_guard<std::mutex> lock(mutex_);  // which training takes too, so not for long
    last = last_;
  }
  const std::vector<const Site*> known = sites.first(last.size());
  std::vector<SiteUsage> result(known.size());
  for (size_t i = 0; i < result.size(); ++i) {
    const auto id = static_cast<SiteId>(i);
    const Site& site = *known[i];
    SiteUsage& usage = result[i];
    usage.site = site.name;
    usage.layer = site.layer;
    usage.op = site.op;
    usage.slot = site.slot;
    usage.occurrence = site.occurrence;
    usage.raw_bytes = last[i].raw;
    usage.charged_bytes = last[i].charged;
    const SiteTime& time = store.site_times()[id];
    usage.pack_seconds = 1e-9 * static_cast<double>(time.pack_nanoseconds.load());
    usage.unpack_seconds = 1e-9 * static_cast<double>(time.unpack_nanoseconds.load());
    const auto found = planned.find(site.name);
    usage.codec = found == planned.end() ? "keep" : found->second->spec.name;
    if (found != planned.end()) usage.noise_variance = found->second->noise_variance;
  }
  return result;
}

}  // namespace cinch::hooks
