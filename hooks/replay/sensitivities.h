// What replays have measured so far, by the name of the site.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>

namespace cinch::hooks {

struct MeasuredSensitivity {
  double sensitivity = 0;  // SiteProfile::sensitivity
  int64_t replays = 0;     // 0: not measured
  double error = 0;        // SiteProfile::replayed_error
  // By how much the rest of the graph amplifies (squares) what the node hands on, and how often that was followed.
  double gain = 0;
  int64_t followed = 0;
  std::string unplayed;  // why it cannot be; empty: it can, or nobody tried
};

// Immutable once shared.
struct Sensitivities {
  std::unordered_map<std::string, MeasuredSensitivity> by_name;

  const MeasuredSensitivity* find(const std::string& site) const {
    const auto found = by_name.find(site);
    return found == by_name.end() ? nullptr : &found->second;
  }
};

}  // namespace cinch::hooks
