#include "planner/prices.h"

#include <algorithm>
#include <cmath>

#include "planner/state.h"

namespace cinch::planner {
namespace {

// Less than all, for the rounding of the sums that are compared.
constexpr double kMarginKept = 0.999;

int32_t kind_of(const Candidate& c) { return c.kept ? 0 : (c.buffered ? 1 : 2); }

}  // namespace

Market::Market(const Compact& compact) : compact_(compact), starts_{0}, hull_starts_{0} {
  const Problem& problem = compact.problem;
  const size_t instants = problem.raw_timeline.size();
  before_.resize(instants + 1);
  steps_.resize(instants + 1, 0);
  span_starts_.push_back(0);
  for (const Item& item : problem.items) {
    for (const Segment& s : item.segments)
      spans_.push_back({s.begin, s.end, static_cast<double>(s.add_buffered), static_cast<double>(s.add_unbuffered)});
    span_starts_.push_back(spans_.size());
    add_goods(item);
  }
  int64_t before = 0;
  for (size_t t = 0; t < instants; ++t) {
    steps_[t] = problem.raw_timeline[t] - before;
    before = problem.raw_timeline[t];
  }
  answer_.choice.assign(problem.items.size(), 0);
  answer_.usage.resize(instants);
  for (size_t i = 0; i < problem.items.size(); ++i) use(i, 0, +1);
}

// Without a price of noise only the lower convex hull of (bytes, cost) can be cheapest, of each kind of form.
void Market::add_goods(const Item& item) {
  for (size_t c = 0; c < item.candidates.size(); ++c) {
    const Candidate& x = item.candidates[c];
    goods_.push_back(
        {x.cost, compact_.costs.main(x), x.noise, static_cast<double>(x.bytes), static_cast<int32_t>(c), kind_of(x)});
  }
  const auto begin = goods_.begin() + static_cast<ptrdiff_t>(starts_.back());
  Extent extent{0, 0};
  for (auto g = begin; g != goods_.end(); ++g) {
    extent.bytes = std::max(extent.bytes, g->bytes);
    extent.noise = std::max(extent.noise, g->noise);
  }
  extents_.push_back(extent);
  memories_.emplace_back();
  starts_.push_back(goods_.size());
  for (int32_t kind = 0; kind < 3; ++kind) {
    std::vector<Good> of_kind;
    std::copy_if(begin, goods_.end(), std::back_inserter(of_kind), [&](const Good& g) { return g.kind == kind; });
    std::stable_sort(of_kind.begin(), of_kind.end(), [](const Good& a, const Good& b) { return a.bytes < b.bytes; });
    const size_t first = hull_.size();
    for (const Good& g : of_kind) {
      if (hull_.size() > first && hull_.back().cost <= g.cost) continue;
      const auto above = [&] {
        const Good &a = hull_[hull_.size() - 2], &b = hull_.back();
        return (b.cost - a.cost) * (g.bytes - a.bytes) >= (g.cost - a.cost) * (b.bytes - a.bytes);
      };
      while (hull_.size() >= first + 2 && above()) hull_.pop_back();
      hull_.push_back(g);
    }
    for (size_t g = first; g < hull_.size(); ++g) {
      const bool last = g + 1 == hull_.size();
      const double turns_at = last ? 0 : (hull_[g].cost - hull_[g + 1].cost) / (hull_[g + 1].bytes - hull_[g].bytes);
      corners_.push_back({hull_[g].cost, hull_[g].bytes, turns_at});
    }
    last_.push_back(first);
    hull_starts_.push_back(hull_.size());
  }
}

void Market::forget() {
  last_.assign(hull_starts_.begin(), hull_starts_.end() - 1);
  memories_.assign(starts_.size() - 1, {});
}

const Market::Good* Market::cheapest(size_t item, const Tariff& tariff, double noise_price, double& pays) {
  return noise_price > 0 ? cheapest_of_all(item, tariff, noise_price, pays) : cheapest_of_hull(item, tariff, pays);
}

const Market::Good* Market::cheapest_of_all(size_t item, const Tariff& tariff, double noise_price, double& pays) {
  const auto price_of = [&](const Good& good) { return good.cost + noise_price * good.noise + tariff.of(good); };
  Memory& memory = memories_[item];
  const Tariff& then = memory.tariff;
  // No difference between two goods has changed by more than this.
  const double change = std::fabs(tariff.per_byte[1] - then.per_byte[1]) * extents_[item].bytes +
                        std::fabs(tariff.fixed[1] - then.fixed[1]) + std::fabs(tariff.fixed[2] - then.fixed[2]) +
                        std::fabs(noise_price - memory.noise_price) * extents_[item].noise;
  if (change < memory.margin) {
    pays = price_of(*memory.taken);
    return memory.taken;
  }
  double second = std::numeric_limits<double>::infinity();
  pays = second;
  const Good* taken = nullptr;
  for (size_t g = starts_[item]; g < starts_[item + 1]; ++g) {
    const double price = price_of(goods_[g]);
    if (price < pays) {
      second = pays;
      pays = price;
      taken = &goods_[g];
    } else if (price < second) {
      second = price;
    }
  }
  memory = {taken, tariff, noise_price, (second - pays) * kMarginKept};
  return taken;
}

const Market::Good* Market::cheapest_of_hull(size_t item, const Tariff& tariff, double& pays) {
  const Good* taken = nullptr;
  pays = std::numeric_limits<double>::infinity();
  // Along a hull prices fall and then rise: the place is near that of the last answer.
  for (size_t h = item * kKinds; h < (item + 1) * kKinds; ++h) {
    const size_t begin = hull_starts_[h], end = hull_starts_[h + 1];
    if (begin == end) continue;
    const double per_byte = tariff.per_byte[h % kKinds], fixed = tariff.fixed[h % kKinds];
    size_t g = last_[h];
    while (g + 1 < end && per_byte < corners_[g].turns_at) ++g;
    while (g > begin && per_byte > corners_[g - 1].turns_at) --g;
    const double price = corners_[g].cost + (per_byte * corners_[g].bytes + fixed);
    last_[h] = g;
    if (price < pays) {
      pays = price;
      taken = &hull_[g];
    }
  }
  return taken;
}

void Market::use(size_t item, int32_t candidate, int sign) {
  const Item& it = compact_.problem.items[item];
  const Candidate& c = it.candidates[candidate];
  if (c.kept) return;
  for (const Segment& s : it.segments) {
    const int64_t delta = sign * State::delta(s, c);
    steps_[s.begin] += delta;
    steps_[s.end] -= delta;
  }
}

void Market::sum_up(const std::vector<double>& prices) {
  double sum = 0;
  for (size_t t = 0; t < prices.size(); ++t) {
    before_[t] = sum;
    sum += prices[t];
  }
  before_[prices.size()] = sum;
}

Market::Tariff Market::tariff(size_t item) const {
  double all = 0, buffered = 0, unbuffered = 0;
  for (size_t s = span_starts_[item]; s < span_starts_[item + 1]; ++s) {
    const Span& span = spans_[s];
    const double price = before_[span.end] - before_[span.begin];
    all += price;
    buffered += price * span.add_buffered;
    unbuffered += price * span.add_unbuffered;
  }
  return {{0, all, all}, {0, buffered, unbuffered}};
}

const Answer& Market::ask(const Prices& prices, const Bounds& bounds) {
  sum_up(prices.instants);
  noise_price_ = prices.noise;
  double sum = 0;
  answer_.noise = 0;
  for (size_t i = 0; i + 1 < starts_.size(); ++i) {
    double best = 0;
    const Good* taken = cheapest(i, tariff(i), prices.noise, best);
    sum += best;
    answer_.noise += taken->noise;
    if (taken->candidate != answer_.choice[i]) {
      use(i, answer_.choice[i], -1);
      answer_.choice[i] = taken->candidate;
      use(i, taken->candidate, +1);
    }
  }
  const auto& raw = compact_.problem.raw_timeline;
  int64_t usage = 0;
  for (size_t t = 0; t < raw.size(); ++t) {
    answer_.usage[t] = usage += steps_[t];
    if (prices.instants[t] > 0) sum += prices.instants[t] * static_cast<double>(raw[t] - bounds.limit);
  }
  if (prices.noise > 0) sum -= prices.noise * bounds.noise;
  answer_.bound = sum;
  return answer_;
}

double Market::main_bound(const Prices& prices, const Bounds& bounds) {
  sum_up(prices.instants);
  double sum = 0;
  for (size_t i = 0; i + 1 < starts_.size(); ++i) {
    const Tariff tariff = this->tariff(i);
    double best = std::numeric_limits<double>::infinity();
    for (size_t g = starts_[i]; g < starts_[i + 1]; ++g) {
      const Good& good = goods_[g];
      best = std::min(best, good.main + prices.noise * good.noise + tariff.of(good));
    }
    sum += best;
  }
  const auto& raw = compact_.problem.raw_timeline;
  for (size_t t = 0; t < raw.size(); ++t) {
    if (prices.instants[t] > 0) sum += prices.instants[t] * static_cast<double>(raw[t] - bounds.limit);
  }
  if (prices.noise > 0) sum -= prices.noise * bounds.noise;
  return sum;
}

Regrets Market::regrets() const {
  Regrets out{std::vector<double>(goods_.size()), starts_};
  for (size_t i = 0; i + 1 < starts_.size(); ++i) {
    const Tariff tariff = this->tariff(i);
    double least = std::numeric_limits<double>::infinity();
    for (size_t g = starts_[i]; g < starts_[i + 1]; ++g) {
      const Good& good = goods_[g];
      out.values[g] = good.cost + noise_price_ * good.noise + tariff.of(good);
      least = std::min(least, out.values[g]);
    }
    for (size_t g = starts_[i]; g < starts_[i + 1]; ++g) out.values[g] -= least;
  }
  return out;
}

}  // namespace cinch::planner
