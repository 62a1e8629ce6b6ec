// What replays have measured so far, by the name of the site. Without torch.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>

namespace cinch::hooks {

// Squared errors per unit of error in the site's values, of the squared gradient norm: at the parameters that the node
// leads to at once, in what it hands on to other nodes, and of what becomes of that at the parameters, where it was
// followed.
struct MeasuredError {
  double near = 0, local = 0;
  std::optional<double> followed;
};

struct MeasuredSensitivity {
  double sensitivity = 0;  // SiteProfile::sensitivity: near + gain * local
  int64_t replays = 0;     // 0: not measured
  double error = 0;        // SiteProfile::replayed_error
  double near = 0, local = 0;
  // By how much the rest of the graph amplifies (squares) what the node hands on, and how often that was followed.
  double gain = 0;
  int64_t followed = 0;
  std::string unplayed;  // why it cannot be; empty: it can, or nobody tried

  // Takes a measurement into what is known. False, and nothing taken, where it is no finite number, or not followed
  // before the gain is known.
  bool learn(const MeasuredError& measured);
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
