/// Rules that cannot both be meant, or have no effect. Globs alone decide; no profile is needed.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "cinch/budget.h"

namespace cinch::planner {

/// Indices of two rules, `earlier` before `later`.
struct RulePair {
  size_t earlier = 0, later = 0;
};

/// The first two rules with the same glob that ask for different things. (The last match wins, so one of them would
/// never hold: people who write both do not mean that.)
std::optional<RulePair> find_contradiction(const std::vector<SiteRule>& rules);
/// One sentence that names both.
std::string contradiction_text(const std::vector<SiteRule>& rules, const RulePair& pair);

/// Rules that never hold, each with the first later rule that matches all its sites.
std::vector<RulePair> find_shadowed(const std::vector<SiteRule>& rules);

/// Whether `wide` surely matches all that `narrow` matches. True is certain; false may be wrong for globs with
/// several stars.
bool glob_covers(const std::string& wide, const std::string& narrow);

/// "group_quant(bits=2)" or "max_bits 4".
std::string asked(const SiteRule& rule);

}  // namespace cinch::planner
