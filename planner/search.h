/// Answers limits.
///
/// The limits between the lowest peak and none at all are halved again and again; whoever asks for a limit walks down
/// to the interval that holds it, and at each step the one limit in the middle is solved. What is found there must cost
/// no more than the plan of the interval's lower end (that one would do as well) and no less than that of its upper end
/// (anything cheaper is passed over). So all limits see the same ordered plans, whatever was asked before, and more
/// budget never costs more.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "planner/ascent.h"
#include "planner/compact.h"
#include "planner/state.h"

namespace cinch::planner {

struct Enumeration;

/// A plan, and the least limit that it is the answer to.
struct Point {
  int64_t limit = 0;
  bool found = false;  ///< false: nothing fits
  std::vector<int32_t> choice;
  Totals totals;
  double cost = std::numeric_limits<double>::infinity();
  Prices prices;  ///< good ones for limits nearby; may be empty
};

/// How good an answer is. In the objective's unit.
struct Proof {
  double bound = 0;  ///< no plan within the limits costs less
  /// Instants of the profile's timeline that hold the plan back, in order, and what a byte there is worth.
  std::vector<std::pair<int32_t, double>> prices;
};

class Search {
 public:
  /// For kLeastNoise plans of any noise are looked for, whatever the bound: it is for the others.
  Search(const Problem& problem, Objective objective, double noise_bound);
  /// The same, where the plan of the least limit is known: options of all payloads, and the limit.
  Search(const Problem& problem, Objective objective, double noise_bound, const std::vector<int32_t>& options,
         int64_t limit);

  /// The plan for a limit (0: none). nullptr: none was found.
  const Point* at(int64_t limit);
  /// The least limit whose plan has at most this noise, and that plan.
  const Point* least_limit(double noise);
  /// What can be proven about the answer `point` to `limit`.
  Proof prove(const Point& point, int64_t limit);

  std::vector<int32_t> options_of(const Point& point) const;
  /// In the objective's unit.
  double main_cost(const Totals& totals) const;

 private:
  static constexpr int kRounds = 160;  // of prices
  static constexpr double kHope = 0.2;
  static constexpr int64_t kEnumerationWork = 400'000;

  struct Middle {
    Point point;
    int64_t solved = 0;  ///< the limit that it was looked for; it is the answer up to there
  };
  struct Bound {
    int64_t limit;
    double bound;
  };

  /// Limits from `from` on, of which `low` is the answer to the first, up to that of `high`.
  struct Interval {
    const Point* low;
    int64_t from;
    const Point* high;
  };

  /// The cost below which, by an enumeration, there is nothing but ties; `otherwise`: of the plan where it found none.
  double proven_by(const Enumeration& all, double otherwise) const;
  std::vector<std::pair<int32_t, double>> binding(const Prices& prices) const;
  Prices no_prices() const;
  Point make_point(const State& state) const;
  Point top();
  bool worth_halving(const Interval& interval) const;
  const Middle& middle(const Interval& interval);
  Middle solve(int64_t limit, const Interval& interval);
  Prices first_prices(int64_t limit, const Interval& interval) const;
  bool less(const Totals& a, const Totals& b) const;

  Compact compact_;
  Market market_;
  double noise_bound_;
  Point bottom_, top_;
  std::optional<Point> smallest_;  ///< where the first interval is cut, if there is nothing at its lower end
  std::map<std::pair<int64_t, int64_t>, Middle> middles_;  ///< by the limits of their intervals
  std::vector<Bound> bounds_;
};

}  // namespace cinch::planner
