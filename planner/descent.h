/// Paths through the choices, from everything raw down to the lowest peak that can be reached.
///
/// A path depends on profile and allowed options alone, never on the limit. A limit is answered by the best state that
/// some path visited under it: a larger limit has all the states of a smaller one, so more budget never costs more.
#pragma once

#include <cstdint>
#include <vector>

#include "planner/state.h"

namespace cinch::planner {

/// What a candidate is thought to cost when paths are made: noise_weight * noise + seconds_weight * seconds.
struct Prices {
  double noise_weight = 1;
  double seconds_weight = 0;
  double of(const Candidate& c) const { return noise_weight * c.noise + seconds_weight * c.seconds; }
};

struct Move {
  int32_t item = 0, candidate = 0;
};

/// A visited state: the first `moves` moves of its path lead there.
struct Visit {
  Totals totals;
  size_t moves = 0;
};

struct Path {
  std::vector<Move> moves;
  std::vector<Visit> visits;
};

/// Lowers the peak level by level; after each level takes back what turned out to be unnecessary for it.
Path descend_peak(const Problem& problem, const Prices& prices);

/// Lowers the sum of payload bytes, most bytes per price first.
Path descend_bytes(const Problem& problem, const Prices& prices);

/// The candidates chosen after the first `moves` moves.
std::vector<int32_t> choice_after(const Problem& problem, const Path& path, size_t moves);

}  // namespace cinch::planner
