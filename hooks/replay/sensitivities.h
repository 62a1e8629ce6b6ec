// What replays have measured so far, by site.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "hooks/sites.h"

namespace cinch::hooks {

struct MeasuredSensitivity {
  double sensitivity = 0;  // SiteProfile::sensitivity
  int64_t replays = 0;     // 0: not measured
  std::string unplayed;    // why it cannot be; empty: it can, or nobody tried
};

// Immutable once shared.
struct Sensitivities {
  std::vector<MeasuredSensitivity> by_site;

  const MeasuredSensitivity* find(SiteId site) const {
    return site >= 0 && static_cast<size_t>(site) < by_site.size() ? &by_site[static_cast<size_t>(site)] : nullptr;
  }
};

}  // namespace cinch::hooks
