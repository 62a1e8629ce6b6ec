/// Makes plans of choices that are nearly plans: first within the limits, then as cheap as single changes make them.
#pragma once

#include "planner/prices.h"
#include "planner/state.h"

namespace cinch::planner {

class Adjuster {
 public:
  Adjuster(const Compact& compact, const Prices& prices, const Regrets& regrets);

  /// Moves with the least regret for the bytes (and the noise) that they bring down; false where they do not suffice.
  /// `fixed`: an item that stays as it is; -1: none.
  bool repair(State& state, const Bounds& bounds, int32_t fixed = -1) const;
  /// Cheaper candidates wherever they fit, alone or with one that makes room for them, largest gain first, while the
  /// sum of costs stays at or above `floor`. `state` keeps the bounds.
  void improve(State& state, const Bounds& bounds, double floor) const;
  /// Gives the items that regret most what they would take, and lets all others make room; at most `tries` times.
  void settle(State& state, const Bounds& bounds, double floor, int tries) const;

 private:
  struct Move {
    double gain, regret, noise;
    size_t item;
    int32_t candidate;
  };

  class Excess;
  struct Highest;

  /// The item's segment at a dear instant.
  const Segment* segment_at(size_t item, size_t dear) const;
  Highest highest_of_dear(const State& state, size_t item) const;
  static Highest highest_of_all(const State& state, size_t item);
  bool fill(State& state, const Bounds& bounds, double floor) const;
  bool exchange(State& state, const Bounds& bounds, double floor) const;
  std::vector<Move> best_moves(const State& state, bool cheaper) const;

  const Compact& compact_;
  const Regrets& regrets_;
  std::vector<int32_t> dear_;  ///< the instants with the highest prices
  std::vector<int32_t> segments_at_dear_;
};

bool fits(const State& state, const Bounds& bounds);

}  // namespace cinch::planner
