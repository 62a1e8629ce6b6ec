// A plan, made ready for the store: site -> spec and codec.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "cinch/codec.h"
#include "cinch/plan.h"
#include "hooks/sites.h"

namespace cinch::hooks {

struct PolicyEntry {
  CodecSpec spec;
  std::shared_ptr<const Codec> codec;  // null for keep, shape and offload
  double noise_variance = 0;           // predicted; at a payload's first site only
};

// Immutable but for the cache by site number, which the store's mutex guards.
class Policy {
 public:
  // Throws CodecError for a spec that cannot be made.
  explicit Policy(const Plan& plan);
  // Null: the plan did not foresee this site.
  const PolicyEntry* find(SiteId site, const Sites& sites) const;

 private:
  std::unordered_map<std::string, PolicyEntry> by_name_;
  mutable std::vector<const PolicyEntry*> by_site_;
  mutable std::vector<bool> asked_;
};

}  // namespace cinch::hooks
