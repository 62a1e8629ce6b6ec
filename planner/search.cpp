#include "planner/search.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <tuple>

#include "planner/adjust.h"
#include "planner/enumerate.h"
#include "planner/lowest_peak.h"

namespace cinch::planner {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
// Ends of an interval that differ by less are one to whoever asks.
constexpr double kSameCost = 4e-4, kSameTie = 1e-2;
constexpr int kSettled = 16'000, kFewestTries = 12, kMostTries = 48;  // payloads and tries make one amount of work
constexpr double kMargins[] = {0.01, 0.03, 0.1};
constexpr double kPoor = 0.05, kGoodEnough = 0.01;  // gaps; at the second no more is tried
constexpr double kLimits = 16e6;                    // payloads and limits that are told apart make one amount of work

State state_of(const Compact& compact, const std::vector<int32_t>& choice) {
  State state(compact.problem);
  for (size_t i = 0; i < choice.size(); ++i) {
    if (choice[i] != state.choice()[i]) state.move(i, choice[i]);
  }
  return state;
}

}  // namespace

Search::Search(const Problem& problem, Objective objective, double noise_bound)
    : compact_(make_compact(problem, objective, noise_bound)), market_(compact_), noise_bound_(compact_.noise_bound) {
  top_ = top();
  bottom_.limit = std::min(lowest_peak_bound(compact_), top_.limit) - 1;
  Point smallest = make_point(smallest_forms(compact_));
  if (smallest.totals.noise <= noise_bound_) smallest_ = std::move(smallest);
}

Search::Search(const Problem& problem, Objective objective, double noise_bound, const std::vector<int32_t>& options,
               int64_t limit)
    : compact_(make_compact(problem, objective, noise_bound)), market_(compact_), noise_bound_(compact_.noise_bound) {
  top_ = top();
  bottom_ = make_point(state_of(compact_, translate(compact_, problem, options)));
  bottom_.limit = limit;
  if (less(bottom_.totals, top_.totals)) top_ = bottom_;
  top_.limit = std::max(top_.limit, limit);
  // That plan was made for least noise; within its limit there may be a better one.
  bottom_ = solve(limit, {&bottom_, limit, &top_}).point;
  bottom_.limit = limit;
}

double Search::main_cost(const Totals& totals) const {
  switch (compact_.costs.objective) {
    case Objective::kLeastTime:
      return totals.seconds;
    case Objective::kLeastBytes:
      return static_cast<double>(totals.charged);
    default:
      return totals.noise;
  }
}

bool Search::less(const Totals& a, const Totals& b) const {
  const auto key = [&](const Totals& t) {
    return std::tuple(main_cost(t), compact_.costs.objective == Objective::kLeastNoise ? t.seconds : t.noise);
  };
  return key(a) < key(b);
}

Point Search::make_point(const State& state) const {
  Point out;
  out.found = true;
  out.choice = state.choice();
  out.totals = state.totals();
  out.limit = out.totals.peak;
  out.cost = state.cost();
  return out;
}

double Search::proven_by(const Enumeration& all, double otherwise) const {
  if (!all.complete) return -kInfinity;
  const double least = all.choice ? state_of(compact_, *all.choice).cost() : otherwise;
  return least - compact_.costs.tie_weight * compact_.costs.most_ties;
}

Prices Search::no_prices() const { return {std::vector<double>(compact_.problem.raw_timeline.size(), 0.0), 0}; }

// Without a limit: of each item the cheapest, or what the noise bound leaves.
Point Search::top() {
  State state(compact_.problem);
  for (size_t i = 0; i < compact_.problem.items.size(); ++i) {
    const auto& candidates = compact_.problem.items[i].candidates;
    const auto cheapest =
        std::min_element(candidates.begin(), candidates.end(), [&](const Candidate& a, const Candidate& b) {
          return std::tuple(a.cost, a.bytes) < std::tuple(b.cost, b.bytes);
        });
    state.move(i, static_cast<int32_t>(cheapest - candidates.begin()));
  }
  Point cheapest = make_point(state);
  if (cheapest.totals.noise <= noise_bound_) {
    bounds_.push_back({INT64_MAX, market_.main_bound(no_prices(), {0, noise_bound_})});
    return cheapest;
  }
  const Point none;
  cheapest = solve(0, {&none, 0, &none}).point;
  cheapest.limit = cheapest.totals.peak;
  return cheapest;
}

bool Search::worth_halving(const Interval& interval) const {
  const Point &low = *interval.low, &high = *interval.high;
  const int64_t width = high.limit - interval.from;
  if (width <= 1 || !high.found) return false;
  const auto range = static_cast<double>(top_.limit - bottom_.limit);
  if (static_cast<double>(width) * kLimits <= range * static_cast<double>(compact_.problem.items.size())) return false;
  if (!low.found) return true;
  const double main_low = main_cost(low.totals), main_high = main_cost(high.totals);
  if (main_low - main_high > kSameCost * main_high) return true;
  return main_low == main_high && low.cost - high.cost > kSameTie * high.cost;
}

const Search::Middle& Search::middle(const Interval& interval) {
  const auto [place, added] = middles_.try_emplace({interval.from, interval.high->limit});
  if (!added) return place->second;
  Middle& out = place->second;
  if (!interval.low->found && smallest_ && interval.high == &top_ && smallest_->limit < top_.limit) {
    out = solve(smallest_->limit, {&*smallest_, smallest_->limit - 1, interval.high});
  } else {
    out = solve(interval.from + (interval.high->limit - interval.from) / 2, interval);
  }
  return out;
}

// Of both ends, each to the same scale.
Prices Search::first_prices(int64_t limit, const Interval& interval) const {
  const auto& raw = compact_.problem.raw_timeline;
  Prices out;
  out.instants.resize(raw.size(), 0.0);
  for (const Point* end : {interval.low, interval.high}) {
    const double sum = std::accumulate(end->prices.instants.begin(), end->prices.instants.end(), 0.0);
    if (sum <= 0) continue;
    for (size_t t = 0; t < raw.size(); ++t) out.instants[t] += end->prices.instants[t] / sum;
    out.noise += end->prices.noise / sum;
  }
  if (limit > 0 && std::all_of(out.instants.begin(), out.instants.end(), [](double p) { return p == 0; })) {
    for (size_t t = 0; t < raw.size(); ++t) out.instants[t] = std::max(0.0, static_cast<double>(raw[t] - limit));
  }
  if (limit == 0) out.noise = 1;
  return out;
}

Search::Middle Search::solve(int64_t limit, const Interval& interval) {
  const Point &low = *interval.low, &high = *interval.high;
  const Bounds bounds{limit, noise_bound_};
  Middle out{low, limit};
  market_.forget();
  Point& best = out.point;
  const auto offer = [&](const State& state) {
    if (!fits(state, bounds)) return;
    Point point = make_point(state);
    if (high.found && less(point.totals, high.totals)) return;
    if (!best.found || less(point.totals, best.totals)) best = std::move(point);
  };
  const Prices start = best_multiple(market_, bounds, first_prices(limit, interval));
  const double floor = high.found ? high.cost : -kInfinity;
  Ascent ascent = ascend(market_, compact_, bounds, start, low.cost, kRounds, kHope);
  const auto within = [&](double gap) { return best.found && best.cost <= ascent.bound + gap * std::fabs(best.cost); };
  Regrets regrets;
  std::optional<Adjuster> adjuster;
  const auto offer_near = [&](const std::vector<int32_t>& choice) {
    State state = state_of(compact_, choice);
    if (!adjuster->repair(state, bounds)) return;
    adjuster->improve(state, bounds, floor);
    offer(state);
  };
  const auto offer_at_prices = [&] {
    const std::vector<int32_t> nearly = market_.ask(ascent.prices, bounds).choice;
    regrets = market_.regrets();
    adjuster.emplace(compact_, ascent.prices, regrets);
    offer_near(nearly);
  };
  offer_at_prices();
  if (low.found) {
    State state = state_of(compact_, low.choice);
    adjuster->improve(state, bounds, floor);
    offer(state);
  }
  // A poor plan here would bound all plans for smaller limits: some more work where this one may be poor.
  if (!within(kGoodEnough)) {
    const Ascent longer = ascend(market_, compact_, bounds, ascent.prices, low.cost, 2 * kRounds, kHope);
    if (longer.bound > ascent.bound + 0.1 * kGoodEnough * std::fabs(ascent.bound)) {
      ascent = longer;
      offer_at_prices();
    }
  }
  if (best.found && !within(kGoodEnough)) {
    State state = state_of(compact_, best.choice);
    const auto items = static_cast<int>(state.choice().size());
    adjuster->settle(state, bounds, floor, std::clamp(kSettled / std::max(1, items), kFewestTries, kMostTries));
    adjuster->improve(state, bounds, floor);
    offer(state);
  }
  // Where one limit can only be kept at the cost of another, what is nearly a plan may be too far from one.
  Prices dearer = ascent.prices;
  for (const double margin : kMargins) {
    if (within(kPoor)) break;
    Bounds tight = bounds;
    if (limit > 0) tight.limit -= static_cast<int64_t>(margin * static_cast<double>(limit - bottom_.limit));
    tight.noise *= 1 - margin;
    dearer = ascend(market_, compact_, tight, dearer, kInfinity, kRounds / 4, margin).prices;
    offer_near(market_.ask(dearer, tight).choice);
  }
  const double reached = market_.ask(ascent.prices, bounds).bound;
  const Enumeration all = enumerate(compact_, regrets, bounds, reached, best.cost, kEnumerationWork);
  double bound = market_.main_bound(ascent.prices, bounds);
  bound = std::max(bound, proven_by(all, best.cost));
  if (all.choice) offer(state_of(compact_, *all.choice));
  bounds_.push_back({limit > 0 ? limit : INT64_MAX, bound});
  const bool better = best.found && (!low.found || less(best.totals, low.totals));
  best.limit = better ? std::max(best.totals.peak, interval.from + 1) : limit;
  best.prices = ascent.prices;
  return out;
}

const Point* Search::at(int64_t limit) {
  if (limit == 0 || limit >= top_.limit) return top_.found ? &top_ : nullptr;
  Interval interval{&bottom_, bottom_.limit, &top_};
  if (limit < interval.from) return nullptr;
  while (worth_halving(interval)) {
    const Middle& middle = this->middle(interval);
    if (limit < middle.point.limit) {
      interval.high = &middle.point;
      continue;
    }
    interval.low = &middle.point;
    interval.from = middle.solved;
    if (limit <= middle.solved) break;
  }
  return interval.low->found ? interval.low : nullptr;
}

const Point* Search::least_limit(double noise) {
  const auto quiet = [&](const Point& point) { return point.found && point.totals.noise <= noise; };
  if (!quiet(top_)) return nullptr;
  if (quiet(bottom_)) return &bottom_;
  Interval interval{&bottom_, bottom_.limit, &top_};
  while (worth_halving(interval)) {
    const Middle& middle = this->middle(interval);
    if (quiet(middle.point)) {
      interval.high = &middle.point;
    } else {
      interval.low = &middle.point;
      interval.from = middle.solved;
    }
  }
  return interval.high;
}

std::vector<int32_t> Search::options_of(const Point& point) const {
  std::vector<int32_t> out(point.choice.size());
  for (size_t i = 0; i < out.size(); ++i) out[i] = compact_.problem.items[i].candidates[point.choice[i]].option;
  return out;
}

}  // namespace cinch::planner
