#include "planner/rule_check.h"

#include <sstream>

#include "planner/spec_json.h"

namespace cinch::planner {
namespace {

bool same_wish(const SiteRule& a, const SiteRule& b) {
  if (a.codec && b.codec) return same_spec(*a.codec, *b.codec);
  return !a.codec && !b.codec && a.max_bits == b.max_bits;
}

}  // namespace

// matched[i]: what was read of `wide` matches the first i letters of `narrow`, whose wildcards are letters that only
// wildcards match: a star only a star, a question mark either.
bool glob_covers(const std::string& wide, const std::string& narrow) {
  std::vector<bool> matched(narrow.size() + 1, false), next;
  matched[0] = true;
  for (const char pattern : wide) {
    next.assign(narrow.size() + 1, false);
    if (pattern == '*') next[0] = matched[0];
    for (size_t i = 1; i <= narrow.size(); ++i) {
      const char letter = narrow[i - 1];
      if (pattern == '*')
        next[i] = matched[i] || next[i - 1];
      else
        next[i] = matched[i - 1] && letter != '*' && (pattern == '?' || (letter != '?' && letter == pattern));
    }
    matched.swap(next);
  }
  return matched[narrow.size()];
}

std::string asked(const SiteRule& rule) {
  if (rule.codec) return to_string(*rule.codec);
  std::ostringstream text;
  text << "max_bits " << rule.max_bits.value_or(0);
  return text.str();
}

std::optional<RulePair> find_contradiction(const std::vector<SiteRule>& rules) {
  for (size_t later = 1; later < rules.size(); ++later)
    for (size_t earlier = 0; earlier < later; ++earlier)
      if (rules[earlier].match == rules[later].match && !same_wish(rules[earlier], rules[later]))
        return RulePair{earlier, later};
  return std::nullopt;
}

std::string contradiction_text(const std::vector<SiteRule>& rules, const RulePair& pair) {
  return "rules " + std::to_string(pair.earlier) + " and " + std::to_string(pair.later) + " for \"" +
         rules[pair.later].match + "\" contradict each other: " + asked(rules[pair.earlier]) + " and " +
         asked(rules[pair.later]) + "; remove one";
}

std::vector<RulePair> find_shadowed(const std::vector<SiteRule>& rules) {
  std::vector<RulePair> pairs;
  for (size_t earlier = 0; earlier < rules.size(); ++earlier) {
    for (size_t later = earlier + 1; later < rules.size(); ++later) {
      if (!glob_covers(rules[later].match, rules[earlier].match)) continue;
      pairs.push_back({earlier, later});
      break;
    }
  }
  return pairs;
}

}  // namespace cinch::planner
