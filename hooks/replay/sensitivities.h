// What replays have measured so far, by the name of the site. Without torch.
//
// A sensitivity is what an error in the site's values does to the gradient's squared norm, and both are of one batch,
// whose gradient may be several times as large as that of another. All that is measured in one backward has that in
// common: it is found by comparing with what was known of these sites, taken out of each, and what is known of all
// sites goes a part of the way, since a level that stays is one that training has reached. So sites that are measured
// seldom follow those that are measured now. Each set of parameters that backwards lead to has a level of its own.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

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
  uint64_t leaves = 0;   // the parameters of the backward that it was measured in last, as a hash
  std::string unplayed;  // why it cannot be; empty: it can, or nobody tried

  // Whether it can be learnt from: not before it was followed, and from finite numbers alone.
  bool can_learn(const MeasuredError& error) const;
};

// One of a backward.
struct Measurement {
  std::string site;
  MeasuredError error;
};

// Immutable once shared.
struct Sensitivities {
  std::unordered_map<std::string, MeasuredSensitivity> by_name;

  const MeasuredSensitivity* find(const std::string& site) const {
    const auto found = by_name.find(site);
    return found == by_name.end() ? nullptr : &found->second;
  }

  // All that was measured in one backward, which leads to these `leaves`, each of them what its site can_learn.
  void learn(const std::vector<Measurement>& measured, uint64_t leaves);
};

}  // namespace cinch::hooks
