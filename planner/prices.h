/// The dual problem. A price for every instant (of a byte in use there) and one for noise: at given prices each item
/// takes the candidate that is cheapest for it alone, and the sum of what they pay, less the prices of what the limits
/// allow anyway, is a lower bound of every plan that keeps the limits. The best prices give the best bound, and what
/// the items take at these prices is nearly a plan.
#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "planner/compact.h"

namespace cinch::planner {

struct Prices {
  std::vector<double> instants;  ///< cost per byte
  double noise = 0;              ///< cost per noise variance
};

struct Bounds {
  int64_t limit = 0;  ///< bytes; 0: none
  double noise = std::numeric_limits<double>::infinity();
};

/// What each candidate pays at some prices above the cheapest one of its item.
struct Regrets {
  std::vector<double> values;
  std::vector<size_t> starts;  ///< of each item's
  double of(size_t item, size_t candidate) const { return values[starts[item] + candidate]; }
};

/// What the items take at some prices, and what that says.
struct Answer {
  double bound = -std::numeric_limits<double>::infinity();
  std::vector<int32_t> choice;
  std::vector<int64_t> usage;
  double noise = 0;
};

class Market {
 public:
  explicit Market(const Compact& compact);

  const Answer& ask(const Prices& prices, const Bounds& bounds);
  /// Answers to come do not depend on what was asked before, not even where candidates are equally cheap.
  void forget();
  /// The bound alone, of the objective without what breaks ties.
  double main_bound(const Prices& prices, const Bounds& bounds);
  /// At the prices asked last.
  Regrets regrets() const;

 private:
  struct Span {
    int32_t begin, end;
    double add_buffered, add_unbuffered;
  };
  struct Good {
    double cost, main, noise, bytes;
    int32_t candidate;
    int32_t kind;  // 0 kept, 1 with a decode buffer, 2 without
  };
  /// What of a good on the hull the search along it reads, close together: its price, and the price of a byte below
  /// which the next good is cheaper.
  struct Corner {
    double cost, bytes, turns_at;
  };
  static constexpr size_t kKinds = 3;
  struct Tariff {
    double per_byte[kKinds], fixed[kKinds];
    double of(const Good& good) const { return per_byte[good.kind] * good.bytes + fixed[good.kind]; }
  };

  /// What an item took, at which prices, and by how much it was the cheapest: small changes need no new look.
  struct Memory {
    const Good* taken = nullptr;
    Tariff tariff{};
    double noise_price = 0, margin = -1;
  };
  struct Extent {
    double bytes, noise;
  };

  const Good* cheapest(size_t item, const Tariff& tariff, double noise_price, double& pays);
  const Good* cheapest_of_all(size_t item, const Tariff& tariff, double noise_price, double& pays);
  const Good* cheapest_of_hull(size_t item, const Tariff& tariff, double& pays);
  void add_goods(const Item& item);
  void sum_up(const std::vector<double>& prices);
  Tariff tariff(size_t item) const;
  void use(size_t item, int32_t candidate, int sign);

  const Compact& compact_;
  std::vector<Span> spans_;
  std::vector<size_t> span_starts_;
  std::vector<Good> goods_, hull_;
  std::vector<Corner> corners_;  ///< of each good of the hull
  std::vector<size_t> starts_;
  std::vector<size_t> hull_starts_;  ///< of each kind of each item
  std::vector<Memory> memories_;
  std::vector<Extent> extents_;  ///< of each item's goods
  std::vector<size_t> last_;     ///< where on the hull the cheapest of a kind was
  std::vector<double> before_;   // sum of the prices of all instants before each
  std::vector<int64_t> steps_;   // of usage, one instant after the other
  double noise_price_ = 0;
  Answer answer_;
};

}  // namespace cinch::planner
