#include "planner/problem.h"

#include <algorithm>

#include "cinch/error.h"
#include "planner/simulate.h"
#include "planner/spec_json.h"
#include "src/methods/methods.h"

namespace cinch::planner {
namespace {

// The last rule that names any of the payload's sites, and the site that it named.
struct Match {
  const SiteRule* rule = nullptr;
  const std::string* site = nullptr;
};

Match last_match(const Profile& profile, const PayloadProfile& payload, const Budget& budget) {
  for (auto rule = budget.rules.rbegin(); rule != budget.rules.rend(); ++rule) {
    for (int32_t site : payload.sites) {
      if (glob_match(rule->match, profile.sites[site].name)) return {&*rule, &profile.sites[site].name};
    }
  }
  return {};
}

double bits_per_value(const PayloadProfile& payload, const Option& option) {
  return 8.0 * static_cast<double>(option.charged_bytes) / static_cast<double>(std::max<int64_t>(payload.numel, 1));
}

bool is_offloaded(const Option& option) { return option.spec.name == "offload"; }

// Of each rule: whether any payload is offered the codec that it asks for.
std::vector<bool> offered_rules(const Profile& profile, const Budget& budget) {
  std::vector<bool> offered;
  for (const SiteRule& rule : budget.rules)
    offered.push_back(rule.codec && std::ranges::any_of(profile.payloads, [&](const PayloadProfile& payload) {
                        return std::ranges::any_of(
                            payload.options, [&](const Option& option) { return same_spec(option.spec, *rule.codec); });
                      }));
  return offered;
}

// The option that a codec rule forces, or -1 where the rule passes the payload over: one with wildcards that asks for a
// lossy codec speaks of values that it makes smaller, not of masks, integers, small tensors and those that the user
// holds; one that asks for `offload` speaks of what is large enough and fits into host memory. A spec that nobody is
// offered is an error all the same: the profile was made without that rule.
int32_t forced_option(const PayloadProfile& payload, const Match& match, bool offered) {
  const CodecSpec& wanted = *match.rule->codec;
  std::string available;
  bool any_lossy = false;
  for (size_t i = 0; i < payload.options.size(); ++i) {
    const Option& option = payload.options[i];
    if (!is_kept(option) && !can_be_coded(payload)) continue;
    if (same_spec(option.spec, wanted)) return static_cast<int32_t>(i);
    any_lossy = any_lossy || !option.lossless;
    available += (available.empty() ? "" : ", ") + to_string(option.spec);
  }
  const bool wildcard = match.rule->match.find_first_of("*?") != std::string::npos;
  if (wildcard && (offered || (wanted.name != "offload" && !any_lossy))) return -1;
  throw Error("the rule for \"" + match.rule->match + "\" asks for " + to_string(wanted) + " at site " + *match.site +
              ", where these are available: " + available);
}

Candidate candidate(const PayloadProfile& payload, int32_t index) {
  const Option& option = payload.options[index];
  const bool kept = is_kept(option);
  return {index,
          kept ? payload.raw_bytes : option.charged_bytes,
          option.noise_variance,
          option.seconds,
          kept,
          has_decode_buffer(option),
          is_offloaded(option),
          0};
}

bool dominates(const Candidate& a, const Candidate& b) {
  return a.kept == b.kept && a.buffered <= b.buffered && a.bytes <= b.bytes && a.noise <= b.noise &&
         a.seconds <= b.seconds;
}

std::vector<Candidate> candidates_of(const Profile& profile, const PayloadProfile& payload, const Budget& budget,
                                     const std::vector<bool>& offered) {
  const Match match = last_match(profile, payload, budget);
  if (match.rule && match.rule->codec) {
    const bool known = offered[static_cast<size_t>(match.rule - budget.rules.data())];
    const int32_t forced = forced_option(payload, match, known);
    if (forced >= 0) return {candidate(payload, forced)};
  }
  std::vector<Candidate> out;
  for (size_t i = 0; i < payload.options.size(); ++i) {
    const Option& option = payload.options[i];
    if (!allows(budget, option.spec.name)) continue;
    if (!is_kept(option) && !can_be_coded(payload)) continue;
    if (match.rule && match.rule->max_bits && !option.lossless &&
        bits_per_value(payload, option) > *match.rule->max_bits)
      continue;
    const Candidate next = candidate(payload, static_cast<int32_t>(i));
    if (std::any_of(out.begin(), out.end(), [&](const Candidate& other) { return dominates(other, next); })) continue;
    std::erase_if(out, [&](const Candidate& other) { return !other.kept && dominates(next, other); });
    out.push_back(next);
  }
  return out;
}

// Both kinds of coded form over common segments, so that the solver can compare them piece by piece.
std::vector<Segment> segments_of(const PayloadProfile& payload) {
  const auto buffered = coded_pieces(payload, true), unbuffered = coded_pieces(payload, false);
  std::vector<Segment> out;
  size_t a = 0, b = 0;
  while (a < buffered.size() && b < unbuffered.size()) {
    const int32_t begin = std::max(buffered[a].begin, unbuffered[b].begin);
    const int32_t end = std::min(buffered[a].end, unbuffered[b].end);
    out.push_back({begin, end, buffered[a].add, unbuffered[b].add});
    if (buffered[a].end == end) ++a;
    if (unbuffered[b].end == end) ++b;
  }
  return out;
}

}  // namespace

bool allows(const Budget& budget, const std::string& method) {
  if (budget.allow.empty() || method == "keep") return true;
  const MethodInfo* info = find_method(method);
  return std::any_of(budget.allow.begin(), budget.allow.end(), [&](const std::string& name) {
    return name == method || (name == "exact" && info != nullptr && info->lossless);
  });
}

double noise_variance_bound(const Profile& profile, const Budget& budget) {
  double bound = std::numeric_limits<double>::infinity();
  // V / (V + C) >= e  <=>  C <= V (1 - e) / e
  if (const double e = budget.min_effective_batch; e > 0) bound = profile.gradient_variance * (1 - e) / e;
  if (budget.max_gradient_noise) bound = std::min(bound, *budget.max_gradient_noise * *budget.max_gradient_noise);
  return bound;
}

Problem make_problem(const Profile& profile, const Budget& budget) {
  Problem problem;
  const std::vector<bool> offered = offered_rules(profile, budget);
  problem.items.reserve(profile.payloads.size());
  for (const PayloadProfile& payload : profile.payloads) {
    Item item;
    item.candidates = candidates_of(profile, payload, budget, offered);
    if (can_be_coded(payload)) item.segments = segments_of(payload);
    problem.items.push_back(std::move(item));
  }
  for (const Instant& instant : profile.timeline) problem.raw_timeline.push_back(instant.bytes);
  problem.floor_bytes = profile.floor_bytes();
  problem.noise_bound = noise_variance_bound(profile, budget);
  return problem;
}

}  // namespace cinch::planner
