#include "planner/adjust.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <tuple>

namespace cinch::planner {
namespace {

constexpr int kPasses = 4;
constexpr size_t kDear = 4;          // instants at which exchanges are tried first
constexpr size_t kExchanged = 64;    // moves of either kind
constexpr size_t kTries = 64;        // exchanges that are tried in full
constexpr double kLeastGain = 1e-7;  // share of the cost that an exchange must bring
// Sums that are kept up to date differ from sums made afresh in their last bits.
constexpr double kRounding = 1e-12;

}  // namespace

bool fits(const State& state, const Bounds& bounds) {
  return (bounds.limit == 0 || state.peak() <= bounds.limit) && state.noise() <= bounds.noise;
}

Adjuster::Adjuster(const Compact& compact, const Prices& prices, const Regrets& regrets)
    : compact_(compact), regrets_(regrets) {
  for (size_t t = 0; t < prices.instants.size(); ++t) {
    if (prices.instants[t] > 0) dear_.push_back(static_cast<int32_t>(t));
  }
  std::stable_sort(dear_.begin(), dear_.end(),
                   [&](int32_t a, int32_t b) { return prices.instants[a] > prices.instants[b]; });
  if (dear_.size() > kDear) dear_.resize(kDear);
  segments_at_dear_.assign(compact.problem.items.size() * kDear, -1);
  for (size_t i = 0; i < compact.problem.items.size(); ++i) {
    const auto& segments = compact.problem.items[i].segments;
    for (size_t d = 0; d < dear_.size(); ++d) {
      for (size_t s = 0; s < segments.size(); ++s) {
        if (segments[s].begin <= dear_[d] && dear_[d] < segments[s].end)
          segments_at_dear_[i * kDear + d] = static_cast<int32_t>(s);
      }
    }
  }
}

const Segment* Adjuster::segment_at(size_t item, size_t dear) const {
  const int32_t s = segments_at_dear_[item * kDear + dear];
  return s < 0 ? nullptr : &compact_.problem.items[item].segments[static_cast<size_t>(s)];
}

// Highest of some instants within an item's segments if it were kept, coded with a decode buffer, or without; charged
// bytes apart.
struct Adjuster::Highest {
  int64_t kept = INT64_MIN, buffered = INT64_MIN, unbuffered = INT64_MIN;

  void see(int64_t without, const Segment& s) {
    kept = std::max(kept, without);
    buffered = std::max(buffered, without + s.add_buffered);
    unbuffered = std::max(unbuffered, without + s.add_unbuffered);
  }
  int64_t with(const Candidate& c) const {
    const int64_t coded = c.buffered ? buffered : unbuffered;
    return c.kept || coded == INT64_MIN ? kept : coded + c.bytes;
  }
};

Adjuster::Highest Adjuster::highest_of_dear(const State& state, size_t item) const {
  Highest out;
  for (size_t d = 0; d < dear_.size(); ++d) {
    if (const Segment* s = segment_at(item, d))
      out.see(state.usage()[dear_[d]] - State::delta(*s, state.chosen(item)), *s);
  }
  return out;
}

Adjuster::Highest Adjuster::highest_of_all(const State& state, size_t item) {
  Highest out;
  for (const Segment& s : state.problem().items[item].segments) {
    const auto begin = state.usage().begin();
    out.see(*std::max_element(begin + s.begin, begin + s.end) - State::delta(s, state.chosen(item)), s);
  }
  return out;
}

bool Adjuster::fill(State& state, const Bounds& bounds, double floor) const {
  const auto& items = compact_.problem.items;
  const double noise_bound = bounds.noise * (1 - kRounding);
  double cost = state.cost(), noise = state.noise();
  // The cheapest candidate that fits, or the present one.
  const auto cheapest = [&](size_t i) {
    const Candidate& now = state.chosen(i);
    const double cost_now = now.cost;
    int32_t best = state.choice()[i];
    double best_cost = cost_now;
    std::optional<Highest> dear, all;  // most candidates fail at the dear instants
    for (size_t c = 0; c < items[i].candidates.size(); ++c) {
      const Candidate& candidate = items[i].candidates[c];
      const double cost_then = candidate.cost;
      if (cost_then >= best_cost || cost - cost_now + cost_then < floor) continue;
      if (noise - now.noise + candidate.noise > noise_bound) continue;
      if (bounds.limit > 0) {
        if (!dear) dear = highest_of_dear(state, i);
        if (dear->with(candidate) > bounds.limit) continue;
        if (!all) all = highest_of_all(state, i);
        if (all->with(candidate) > bounds.limit) continue;
      }
      best = static_cast<int32_t>(c);
      best_cost = cost_then;
    }
    return best;
  };
  const auto gain = [&](size_t i, int32_t candidate) {
    return state.chosen(i).cost - items[i].candidates[candidate].cost;
  };
  bool any = false;
  for (int pass = 0; pass < kPasses; ++pass) {
    std::vector<std::pair<double, size_t>> gains;
    for (size_t i = 0; i < items.size(); ++i) {
      if (items[i].candidates.size() < 2) continue;
      const int32_t c = cheapest(i);
      if (c != state.choice()[i]) gains.emplace_back(-gain(i, c), i);
    }
    if (gains.empty()) return any;
    any = true;
    std::sort(gains.begin(), gains.end());
    for (const auto& [unused, i] : gains) {
      const int32_t c = cheapest(i);
      if (c == state.choice()[i]) continue;
      cost -= gain(i, c);
      noise += items[i].candidates[c].noise - state.chosen(i).noise;
      state.move(i, c);
    }
    cost = state.cost();
    noise = state.noise();
  }
  return any;
}

// Those that regret least, of each item the best one.
std::vector<Adjuster::Move> Adjuster::best_moves(const State& state, bool cheaper) const {
  const auto& items = compact_.problem.items;
  std::vector<Move> out;
  for (size_t i = 0; i < items.size(); ++i) {
    const Candidate& now = state.chosen(i);
    const double cost = now.cost, regret = regrets_.of(i, static_cast<size_t>(state.choice()[i]));
    std::optional<Move> best;
    for (size_t c = 0; c < items[i].candidates.size(); ++c) {
      const Candidate& candidate = items[i].candidates[c];
      const double gain = cost - candidate.cost;
      if (cheaper ? gain <= 0 : gain >= 0) continue;
      const Move move{gain, regrets_.of(i, c) - regret, candidate.noise - now.noise, i, static_cast<int32_t>(c)};
      if (!best || move.regret < best->regret) best = move;
    }
    if (best) out.push_back(*best);
  }
  const auto before = [](const Move& a, const Move& b) {
    return std::tuple(a.regret, a.item) < std::tuple(b.regret, b.item);
  };
  if (out.size() > kExchanged) {
    std::nth_element(out.begin(), out.begin() + kExchanged, out.end(), before);
    out.resize(kExchanged);
  }
  std::sort(out.begin(), out.end(), before);
  return out;
}

bool Adjuster::exchange(State& state, const Bounds& bounds, double floor) const {
  const auto& items = compact_.problem.items;
  const double noise_bound = bounds.noise * (1 - kRounding);
  const std::vector<Move> ups = best_moves(state, true), downs = best_moves(state, false);
  // Bytes of each move at the dear instants: most pairs fail there.
  const size_t dear = bounds.limit > 0 ? dear_.size() : 0;
  const auto bytes_of = [&](const std::vector<Move>& moves) {
    std::vector<int64_t> out(moves.size() * kDear, 0);
    for (size_t m = 0; m < moves.size(); ++m) {
      const Candidate& candidate = items[moves[m].item].candidates[moves[m].candidate];
      for (size_t d = 0; d < dear; ++d) {
        if (const Segment* s = segment_at(moves[m].item, d))
          out[m * kDear + d] = State::delta(*s, candidate) - State::delta(*s, state.chosen(moves[m].item));
      }
    }
    return out;
  };
  const std::vector<int64_t> up_bytes = bytes_of(ups), down_bytes = bytes_of(downs);
  double noise = state.noise(), cost = state.cost();
  struct Pair {
    double gain;
    size_t up, down;
  };
  std::vector<Pair> pairs;
  for (size_t u = 0; u < ups.size(); ++u) {
    for (size_t d = 0; d < downs.size(); ++d) {
      const double gain = ups[u].gain + downs[d].gain;
      if (gain <= kLeastGain * cost || ups[u].item == downs[d].item) continue;
      if (noise + ups[u].noise + downs[d].noise > noise_bound) continue;
      bool room = true;
      for (size_t k = 0; room && k < dear; ++k)
        room = state.usage()[dear_[k]] + up_bytes[u * kDear + k] + down_bytes[d * kDear + k] <= bounds.limit;
      if (room) pairs.push_back({gain, u, d});
    }
  }
  std::sort(pairs.begin(), pairs.end(), [](const Pair& a, const Pair& b) {
    return std::tuple(-a.gain, a.up, a.down) < std::tuple(-b.gain, b.up, b.down);
  });
  if (pairs.size() > kTries) pairs.resize(kTries);
  bool any = false;
  std::vector<bool> moved_up(ups.size(), false), moved_down(downs.size(), false);
  for (const Pair& pair : pairs) {
    const Move &up = ups[pair.up], &down = downs[pair.down];
    if (moved_up[pair.up] || moved_down[pair.down] || cost - pair.gain < floor) continue;
    if (noise + up.noise + down.noise > noise_bound) continue;
    const int32_t up_before = state.choice()[up.item], down_before = state.choice()[down.item];
    if (items[up.item].candidates[up_before].option == items[up.item].candidates[up.candidate].option) continue;
    state.move(down.item, down.candidate);
    state.move(up.item, up.candidate);
    if (bounds.limit > 0 && state.peak() > bounds.limit) {
      state.move(up.item, up_before);
      state.move(down.item, down_before);
      continue;
    }
    moved_up[pair.up] = moved_down[pair.down] = true;
    noise += up.noise + down.noise;
    cost -= pair.gain;
    any = true;
  }
  return any;
}

void Adjuster::improve(State& state, const Bounds& bounds, double floor) const {
  fill(state, bounds, floor);
  for (int i = 0; i < kPasses && exchange(state, bounds, floor); ++i) fill(state, bounds, floor);
}

void Adjuster::settle(State& state, const Bounds& bounds, double floor, int tries) const {
  const auto& items = compact_.problem.items;
  double cost = state.cost();
  for (bool any = true; any && tries > 0;) {
    any = false;
    std::vector<std::pair<double, size_t>> order;
    for (size_t i = 0; i < items.size(); ++i) {
      const double regret = regrets_.of(i, static_cast<size_t>(state.choice()[i]));
      if (regret > kLeastGain * cost) order.emplace_back(-regret, i);
    }
    std::sort(order.begin(), order.end());
    for (const auto& [unused, i] : order) {
      if (tries-- <= 0) return;
      int32_t wanted = 0;
      for (size_t c = 1; c < items[i].candidates.size(); ++c) {
        if (regrets_.of(i, c) < regrets_.of(i, static_cast<size_t>(wanted))) wanted = static_cast<int32_t>(c);
      }
      State trial = state;
      trial.move(i, wanted);
      if (!repair(trial, bounds, static_cast<int32_t>(i))) continue;
      fill(trial, bounds, floor);
      const double then = trial.cost();
      if (then >= cost * (1 - kLeastGain) || then < floor) continue;
      state = std::move(trial);
      cost = then;
      any = true;
    }
  }
}

}  // namespace cinch::planner
