/// A profile under a budget, made ready for the solver: for each payload only the options that rules and `allow` leave.
#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "cinch/budget.h"
#include "cinch/profile.h"

namespace cinch::planner {

/// An option that may be chosen.
struct Candidate {
  int32_t option = 0;  ///< index into PayloadProfile::options
  int64_t bytes = 0;   ///< charged; raw_bytes for `keep`
  double noise = 0, seconds = 0;
  bool kept = false;       ///< the tensor itself stays: nothing changes in the simulation
  bool buffered = true;    ///< decode needs a buffer of full size
  bool offloaded = false;  ///< frees the device at the price of traffic
  double cost = 0;         ///< what is minimised, ties included; set where there is an objective (compact.h)
};

/// Over [begin, end) a coded form changes the bytes in use by its charged bytes + the add of its kind.
struct Segment {
  int32_t begin = 0, end = 0;
  int64_t add_buffered = 0, add_unbuffered = 0;
};

struct Item {
  std::vector<Candidate> candidates;  ///< never empty; `keep` first where it is allowed
  std::vector<Segment> segments;      ///< adjacent; empty where coding frees nothing
};

struct Problem {
  std::vector<Item> items;  ///< one for each payload
  std::vector<int64_t> raw_timeline;
  int64_t floor_bytes = 0;
  double noise_bound = std::numeric_limits<double>::infinity();  ///< of the sum of noise variances
};

/// Throws Error where a rule asks for a codec that its payload has not.
Problem make_problem(const Profile& profile, const Budget& budget);

/// Whether the budget lets this method be used; "keep" always.
bool allows(const Budget& budget, const std::string& method);

/// Upper bound of the sum of noise variances that the budget's bounds leave; infinity: none.
double noise_variance_bound(const Profile& profile, const Budget& budget);

}  // namespace cinch::planner
