// Search: what can be proven about an answer.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "planner/enumerate.h"
#include "planner/search.h"

namespace cinch::planner {
namespace {

constexpr double kBinding = 1e-3;  // share of all prices below which an instant is not worth a word

}  // namespace

std::vector<std::pair<int32_t, double>> Search::binding(const Prices& prices) const {
  const double sum = std::accumulate(prices.instants.begin(), prices.instants.end(), 0.0);
  std::vector<std::pair<int32_t, double>> out;
  for (size_t t = 0; t < prices.instants.size(); ++t) {
    if (prices.instants[t] > kBinding * sum) out.emplace_back(compact_.instants[t], prices.instants[t]);
  }
  return out;
}

Proof Search::prove(const Point& point, int64_t limit) {
  const Bounds bounds{limit, noise_bound_};
  Proof out;
  const double value = main_cost(point.totals);
  double bound = 0;
  for (const Bound& known : bounds_) {
    if (known.limit >= (limit > 0 ? limit : INT64_MAX)) bound = std::max(bound, known.bound);
  }
  // Nothing binds where the plan costs no more than without any limit.
  if (value > market_.main_bound(no_prices(), bounds) && (limit > 0 || std::isfinite(noise_bound_))) {
    const Interval interval{&point, point.limit, &point};
    const Prices start = best_multiple(market_, bounds, first_prices(limit, interval));
    const Ascent ascent = ascend(market_, compact_, bounds, start, point.cost, kRounds, kHope);
    if (limit > 0) out.prices = binding(ascent.prices);
    bound = std::max(bound, market_.main_bound(ascent.prices, bounds));
    const double reached = market_.ask(ascent.prices, bounds).bound;
    const Enumeration all = enumerate(compact_, market_.regrets(), bounds, reached, point.cost, kEnumerationWork);
    bound = std::max(bound, proven_by(all, point.cost));
  }
  out.bound = std::clamp(bound, 0.0, value);
  return out;
}

}  // namespace cinch::planner
