#include "hooks/observe/refresh.h"

#include <algorithm>
#include <utility>

namespace cinch::hooks {

Refresh::Refresh(std::shared_ptr<Store> store, std::shared_ptr<Sites> sites, std::vector<SiteRule> rules)
    : store_(std::move(store)), sites_(std::move(sites)), rules_(std::move(rules)) {}

void Refresh::choose(std::vector<std::string> sites) {
  const std::lock_guard<std::mutex> lock(mutex_);
  chosen_ = std::move(sites);
}

void Refresh::exclusive(Payload& payload) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto is_chosen = [&](const Want& want) {
      return std::ranges::find(chosen_, (*sites_)[want.site].name) != chosen_.end();
    };
    if (std::ranges::none_of(payload.wants, is_chosen)) return;
  }
  const auto stats = payload.later_stats();
  if (!stats) return;
  Found found{payload.dtype(), payload.span.numel, (*stats)(), {}};
  found.candidates =
      evaluate(payload, payload.raw_values_bytes(), asked_for(payload, rules_, *sites_), store_->context(payload));
  estimate(found.candidates, found.stats, found.numel, found.dtype);
  const std::lock_guard<std::mutex> lock(mutex_);
  found_[(*sites_)[payload.wants.front().site].name] = std::move(found);
}

void Refresh::apply(Profile& profile) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  for (PayloadProfile& payload : profile.payloads) {
    if (payload.sites.empty() || payload.options.empty()) continue;
    const auto at = found_.find(profile.sites[static_cast<size_t>(payload.sites.front())].name);
    if (at == found_.end() || at->second.numel != payload.numel || at->second.dtype != payload.dtype) continue;
    payload.stats = at->second.stats;
    payload.options.resize(1);  // keep, whose bytes are the payload's share of its storage
    for (const Candidate& candidate : at->second.candidates)
      if (candidate.option.spec != payload.options.front().spec)
        payload.options.push_back(option_of(candidate, payload.uses.size()));
  }
}

}  // namespace cinch::hooks
