#include "planner/adjust.h"

#include <algorithm>
#include <optional>
#include <tuple>

#include "planner/offer.h"

namespace cinch::planner {
namespace {

constexpr int kPasses = 4;
// Sums that are kept up to date differ from sums made afresh in their last bits.
constexpr double kRounding = 1e-12;

double noise_of(const State& state) {
  double sum = 0;
  for (size_t i = 0; i < state.choice().size(); ++i) sum += state.chosen(i).noise;
  return sum;
}

// Highest instant within an item's segments if it were kept, coded with a decode buffer, or without; charged bytes
// apart.
struct Highest {
  int64_t kept = INT64_MIN, buffered = INT64_MIN, unbuffered = INT64_MIN;
  int64_t with(const Candidate& c) const {
    const int64_t coded = c.buffered ? buffered : unbuffered;
    return c.kept || coded == INT64_MIN ? kept : coded + c.bytes;
  }
};

Highest highest_without(const State& state, size_t item) {
  Highest out;
  for (const Segment& s : state.problem().items[item].segments) {
    const auto begin = state.usage().begin();
    const int64_t without =
        *std::max_element(begin + s.begin, begin + s.end) - State::delta(s, state.chosen(item));
    out.kept = std::max(out.kept, without);
    out.buffered = std::max(out.buffered, without + s.add_buffered);
    out.unbuffered = std::max(out.unbuffered, without + s.add_unbuffered);
  }
  return out;
}

// How many instants above the limit lie before each one.
int64_t count_above(const std::vector<int64_t>& usage, int64_t limit, std::vector<int32_t>& before) {
  int32_t count = 0;
  for (size_t t = 0; t < usage.size(); ++t) {
    before[t] = count;
    count += usage[t] > limit;
  }
  before[usage.size()] = count;
  return count;
}

}  // namespace

double cost_of(const Compact& compact, const State& state) {
  double sum = 0;
  for (size_t i = 0; i < state.choice().size(); ++i) sum += compact.costs.of(state.chosen(i));
  return sum;
}

bool fits(const State& state, const Bounds& bounds) {
  return (bounds.limit == 0 || state.peak() <= bounds.limit) && noise_of(state) <= bounds.noise;
}

Adjuster::Adjuster(const Compact& compact, const Market& market) : compact_(compact) {
  for (size_t i = 0; i < compact.problem.items.size(); ++i) regrets_.push_back(market.regrets(i));
}

bool Adjuster::repair(State& state, const Bounds& bounds) const {
  const auto& items = compact_.problem.items;
  const auto range = static_cast<double>(std::max<int64_t>(1, state.peak() - compact_.problem.floor_bytes));
  std::vector<int32_t> above_before(state.usage().size() + 1);
  std::vector<size_t> moves(items.size(), 0);
  double noise = noise_of(state);
  if (noise > 0 && bounds.noise <= 0) return false;  // only what is lossless was left; here that is not enough
  for (;;) {
    const bool bytes_left = bounds.limit > 0 && count_above(state.usage(), bounds.limit, above_before) > 0;
    if (noise > bounds.noise) noise = noise_of(state);
    const bool noise_left = noise > bounds.noise;
    if (!bytes_left && !noise_left) return true;
    Offer best;
    for (size_t i = 0; i < items.size(); ++i) {
      if (items[i].candidates.size() < 2 || moves[i] > items[i].candidates.size()) continue;
      double instants = 0, buffered = 0, unbuffered = 0;
      if (bytes_left) {
        for (const Segment& s : items[i].segments) {
          const auto n = static_cast<double>(above_before[s.end] - above_before[s.begin]);
          instants += n;
          buffered += n * static_cast<double>(s.add_buffered);
          unbuffered += n * static_cast<double>(s.add_unbuffered);
        }
        if (instants == 0 && !noise_left) continue;
      }
      const auto load = [&](const Candidate& c) {
        double sum = c.kept ? 0.0 : instants * static_cast<double>(c.bytes) + (c.buffered ? buffered : unbuffered);
        if (noise_left) sum += range * c.noise / bounds.noise;
        return sum;
      };
      const auto now = static_cast<size_t>(state.choice()[i]);
      const double load_now = load(state.chosen(i));
      for (size_t c = 0; c < items[i].candidates.size(); ++c) {
        const double freed = load_now - load(items[i].candidates[c]);
        if (freed <= 0) continue;
        const Offer offer = make_offer(freed, regrets_[i][c] - regrets_[i][now], static_cast<int32_t>(i),
                                       static_cast<int32_t>(c));
        if (best.item < 0 || offer.better_than(best)) best = offer;
      }
    }
    if (best.item < 0) return false;
    noise -= state.chosen(best.item).noise;
    state.move(best.item, best.candidate);
    noise += state.chosen(best.item).noise;
    ++moves[best.item];
  }
}

void Adjuster::improve(State& state, const Bounds& bounds, double floor) const {
  const auto& items = compact_.problem.items;
  const double noise_bound = bounds.noise * (1 - kRounding);
  double cost = cost_of(compact_, state), noise = noise_of(state);
  // The cheapest candidate that fits, or the present one.
  const auto cheapest = [&](size_t i) {
    const Candidate& now = state.chosen(i);
    const double cost_now = compact_.costs.of(now);
    int32_t best = state.choice()[i];
    double best_cost = cost_now;
    std::optional<Highest> highest;
    for (size_t c = 0; c < items[i].candidates.size(); ++c) {
      const Candidate& candidate = items[i].candidates[c];
      const double cost_then = compact_.costs.of(candidate);
      if (cost_then >= best_cost || cost - cost_now + cost_then < floor) continue;
      if (noise - now.noise + candidate.noise > noise_bound) continue;
      if (bounds.limit > 0) {
        if (!highest) highest = highest_without(state, i);
        if (highest->with(candidate) > bounds.limit) continue;
      }
      best = static_cast<int32_t>(c);
      best_cost = cost_then;
    }
    return best;
  };
  const auto gain = [&](size_t i, int32_t candidate) {
    return compact_.costs.of(state.chosen(i)) - compact_.costs.of(items[i].candidates[candidate]);
  };
  for (int pass = 0; pass < kPasses; ++pass) {
    std::vector<std::pair<double, size_t>> gains;
    for (size_t i = 0; i < items.size(); ++i) {
      if (items[i].candidates.size() < 2) continue;
      const int32_t c = cheapest(i);
      if (c != state.choice()[i]) gains.emplace_back(-gain(i, c), i);
    }
    if (gains.empty()) return;
    std::sort(gains.begin(), gains.end());
    for (const auto& [unused, i] : gains) {
      const int32_t c = cheapest(i);
      if (c == state.choice()[i]) continue;
      cost -= gain(i, c);
      noise += items[i].candidates[c].noise - state.chosen(i).noise;
      state.move(i, c);
    }
    cost = cost_of(compact_, state);
    noise = noise_of(state);
  }
}

State smallest_forms(const Compact& compact) {
  State state(compact.problem);
  const auto& items = compact.problem.items;
  for (size_t i = 0; i < items.size(); ++i) {
    const auto& candidates = items[i].candidates;
    int32_t best = 0;
    const auto key = [&](const Candidate& c) { return std::tuple(c.bytes, c.buffered, c.noise, c.seconds); };
    for (size_t c = 1; c < candidates.size(); ++c)
      if (key(candidates[c]) < key(candidates[best])) best = static_cast<int32_t>(c);
    state.move(i, best);
  }
  // What is worse coded than raw at the highest instant goes back, as long as that lowers the peak.
  const size_t most_moves = 4 * items.size() + 16;
  for (size_t moves = 0; moves < most_moves; ++moves) {
    const int64_t peak = state.peak();
    int64_t lowest = peak;
    std::pair<size_t, int32_t> move;
    const auto top = static_cast<int32_t>(std::max_element(state.usage().begin(), state.usage().end()) -
                                          state.usage().begin());
    for (size_t i = 0; i < items.size(); ++i) {
      const auto& segments = items[i].segments;
      const auto segment = std::find_if(segments.begin(), segments.end(),
                                        [&](const Segment& s) { return s.begin <= top && top < s.end; });
      if (segment == segments.end()) continue;
      const int32_t before = state.choice()[i];
      const int64_t delta = State::delta(*segment, state.chosen(i));
      for (size_t c = 0; c < items[i].candidates.size(); ++c) {
        if (State::delta(*segment, items[i].candidates[c]) >= delta) continue;
        state.move(i, static_cast<int32_t>(c));
        if (state.peak() < lowest) {
          lowest = state.peak();
          move = {i, static_cast<int32_t>(c)};
        }
      }
      state.move(i, before);
    }
    if (lowest == peak) break;
    state.move(move.first, move.second);
  }
  return state;
}

int64_t lowest_peak_bound(const Compact& compact) {
  const auto& raw = compact.problem.raw_timeline;
  if (raw.empty()) return 0;
  std::vector<int64_t> steps(raw.size() + 1, 0);
  for (const Item& item : compact.problem.items) {
    const auto least = [&](const Segment& s) {
      int64_t out = INT64_MAX;
      for (const Candidate& c : item.candidates) out = std::min(out, State::delta(s, c));
      return out;
    };
    for (const Segment& s : item.segments) {
      const int64_t delta = least(s);
      steps[s.begin] += delta;
      steps[s.end] -= delta;
    }
  }
  int64_t running = 0, highest = INT64_MIN;
  for (size_t t = 0; t < raw.size(); ++t) {
    running += steps[t];
    highest = std::max(highest, raw[t] + running);
  }
  return highest;
}

}  // namespace cinch::planner
