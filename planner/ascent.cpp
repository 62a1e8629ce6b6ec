#include "planner/ascent.h"

#include <algorithm>
#include <cmath>

namespace cinch::planner {
namespace {

constexpr double kMemory = 0.6;  // how much of the last direction stays
constexpr int kPatience = 8;     // rounds without a better bound before steps become shorter
constexpr double kShorter = 0.5;

// How far the answer is above what is allowed, weighed by the prices: the slope of the bound along them.
double slope(const Answer& answer, const Prices& prices, const Bounds& bounds) {
  double sum = 0;
  for (size_t t = 0; t < prices.instants.size(); ++t)
    sum += prices.instants[t] * static_cast<double>(answer.usage[t] - bounds.limit);
  if (prices.noise > 0) sum += prices.noise * (answer.noise - bounds.noise);
  return sum;
}

}  // namespace

Prices best_multiple(Market& market, const Bounds& bounds, Prices prices) {
  const Prices unit = prices;
  const auto rises = [&](double factor) {
    for (size_t t = 0; t < unit.instants.size(); ++t) prices.instants[t] = factor * unit.instants[t];
    prices.noise = factor * unit.noise;
    return slope(market.ask(prices, bounds), prices, bounds) > 0;
  };
  double low = 1, high = 1;
  if (rises(1)) {
    for (int i = 0; i < 40 && rises(high *= 32); ++i) low = high;
  } else {
    for (int i = 0; i < 40 && !rises(low /= 32); ++i) high = low;
  }
  for (int i = 0; i < 8; ++i) {
    const double middle = std::sqrt(low * high);
    (rises(middle) ? low : high) = middle;
  }
  rises(low);
  return prices;
}

Ascent ascend(Market& market, const Compact& compact, const Bounds& bounds, const Prices& start, double upper,
              int rounds, double hope) {
  const size_t instants = compact.problem.raw_timeline.size();
  const bool with_noise = std::isfinite(bounds.noise) && bounds.noise > 0;
  // A unit of noise that matters about as much as a byte at one instant.
  double range = 1;
  for (const int64_t raw : compact.problem.raw_timeline)
    range = std::max(range, static_cast<double>(raw - compact.problem.floor_bytes));
  const double noise_unit = with_noise ? bounds.noise / range : 1;
  Prices now = start;
  now.instants.resize(instants, 0.0);
  if (bounds.limit == 0) now.instants.assign(instants, 0.0);
  Ascent best;
  best.prices = now;
  std::vector<double> direction(instants, 0.0);
  double noise_direction = 0, level = 0;
  int stalled = 0;
  for (; best.rounds < rounds; ++best.rounds) {
    const Answer& answer = market.ask(now, bounds);
    const double before = best.bound;
    if (answer.bound > best.bound) {
      best.bound = answer.bound;
      best.prices = now;
    }
    if (best.rounds == 0) level = std::min(0.5 * (upper - best.bound), hope * std::fabs(best.bound));
    if (answer.bound > before + 0.05 * level)
      stalled = 0;
    else if (++stalled > kPatience) {
      level *= kShorter;
      stalled = 0;
      now = best.prices;
      std::fill(direction.begin(), direction.end(), 0.0);
      noise_direction = 0;
      if (level < 1e-4 * std::fabs(best.bound)) break;
      continue;
    }
    if (std::isfinite(upper) && best.bound >= upper - 1e-9 * std::fabs(upper)) break;
    double square = 0;
    if (bounds.limit > 0) {
      for (size_t t = 0; t < instants; ++t) {
        const auto over = static_cast<double>(answer.usage[t] - bounds.limit);
        double d = over + kMemory * direction[t];
        if (d < 0 && now.instants[t] == 0) d = 0;
        direction[t] = d;
        square += d * d;
      }
    }
    if (with_noise) {
      double d = (answer.noise - bounds.noise) / noise_unit + kMemory * noise_direction;
      if (d < 0 && now.noise == 0) d = 0;
      noise_direction = d;
      square += d * d;
    }
    if (square == 0) break;  // within all limits without a price for any: nothing better
    double target = best.bound + level;
    const double step = (target - answer.bound) / square;
    for (size_t t = 0; t < instants; ++t) now.instants[t] = std::max(0.0, now.instants[t] + step * direction[t]);
    if (with_noise) now.noise = std::max(0.0, now.noise + step * noise_direction / noise_unit);
  }
  return best;
}

}  // namespace cinch::planner
