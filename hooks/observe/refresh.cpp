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
  try {
    const auto stats = payload.later_stats();
    if (!stats) return;
    Found found{payload.dtype(), payload.span.numel, (*stats)(), {}};
    // One odd step (a branch that is dropped, an overflow) says nothing of the next ones.
    if (!found.stats.finite || (found.stats.variance == 0 && found.stats.mean == 0)) return;
    found.candidates =
        evaluate(payload, payload.raw_values_bytes(), asked_for(payload, rules_, *sites_), store_->context(payload));
    estimate(found.candidates, found.stats, found.numel, found.dtype);
    const std::lock_guard<std::mutex> lock(mutex_);
    found_[(*sites_)[payload.wants.front().site].name] = std::move(found);
  } catch (const std::exception&) {
    // No memory for it, most likely: what was found before stays, and the payload is coded all the same.
  }
}

void Refresh::apply(Profile& profile) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  for (PayloadProfile& payload : profile.payloads) {
    if (payload.sites.empty() || payload.options.empty()) continue;
    const auto at = found_.find(profile.sites[static_cast<size_t>(payload.sites.front())].name);
    if (at == found_.end() || at->second.numel != payload.numel || at->second.dtype != payload.dtype) continue;
    payload.stats = at->second.stats;
    std::vector<Option> before = std::exchange(payload.options, {});
    payload.options.push_back(before.front());  // keep, whose bytes are the payload's share of its storage
    double slowness = 1;                        // of this machine, as the profile has it by now
    for (const Candidate& candidate : at->second.candidates) {
      if (candidate.option.spec == before.front().spec) continue;
      payload.options.push_back(option_of(candidate, payload.uses.size()));
      const Option& fresh = payload.options.back();
      const auto same = std::ranges::find(before, fresh.spec, &Option::spec);
      if (same != before.end() && same->seconds > 0 && fresh.seconds > 0) slowness = same->seconds / fresh.seconds;
    }
    for (size_t i = 1; i < payload.options.size(); ++i) payload.options[i].seconds *= slowness;
    // What a rule insists on stays, as it was, where these values did not suit it.
    for (const Option& option : before) {
      const auto asks = [&](const SiteRule& rule) { return rule.codec && normalise(*rule.codec) == option.spec; };
      if (std::ranges::any_of(rules_, asks) &&
          std::ranges::find(payload.options, option.spec, &Option::spec) == payload.options.end())
        payload.options.push_back(option);
    }
  }
}

}  // namespace cinch::hooks
