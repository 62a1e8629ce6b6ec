#include "planner/search.h"

#include <limits>
#include <tuple>

namespace cinch::planner {
namespace {

constexpr int64_t kWorthwhileBytes = 1024;
// Breaks ties between options of equal noise in favour of the quicker one; noise below it is nothing that anyone could
// measure.
constexpr double kNoisePerSecond = 1e-9;

// Prices of noise for paths that save time: a path of each, from "time alone" to "noise nearly alone".
std::vector<Prices> time_prices(const Problem& problem) {
  double noise = 0, seconds = 0;
  for (const Item& item : problem.items) {
    for (const Candidate& c : item.candidates) {
      noise = std::max(noise, c.noise);
      seconds = std::max(seconds, c.seconds);
    }
  }
  const double exchange = noise > 0 ? seconds / noise : 0;
  std::vector<Prices> out{{0, 1}};
  if (exchange > 0) {
    for (double weight : {0.1, 1.0, 10.0}) out.push_back({weight * exchange, 1});
  }
  return out;
}

auto rank(Objective objective, const Totals& t) {
  switch (objective) {
    case Objective::kLeastTime:
      return std::tuple(t.seconds, t.noise, static_cast<double>(t.charged), t.peak);
    case Objective::kLeastBytes:
      return std::tuple(static_cast<double>(t.charged), t.noise, t.seconds, t.peak);
    default:
      return std::tuple(t.noise, t.seconds, static_cast<double>(t.charged), t.peak);
  }
}

}  // namespace

Search::Search(const Problem& problem, Objective objective) : problem_(problem), objective_(objective) {
  paths_.push_back(descend_peak(problem, {1, kNoisePerSecond}));
  if (objective == Objective::kLeastBytes) paths_.push_back(descend_bytes(problem, {1, kNoisePerSecond}));
  if (objective == Objective::kLeastTime) {
    for (const Prices& prices : time_prices(problem)) paths_.push_back(descend_peak(problem, prices));
  }
}

template <typename Better>
Search::Found Search::find(int64_t limit, double noise_bound, Better better) const {
  Found best;
  for (const Path& path : paths_) {
    for (const Visit& visit : path.visits) {
      if ((limit > 0 && visit.totals.peak > limit) || visit.totals.noise > noise_bound) continue;
      if (!best.visit || better(visit.totals, best.visit->totals)) best = {&path, &visit};
    }
  }
  return best;
}

std::optional<std::vector<int32_t>> Search::best(int64_t limit, double noise_bound) const {
  const Found found = find(limit, noise_bound, [this](const Totals& a, const Totals& b) {
    return rank(objective_, a) < rank(objective_, b);
  });
  if (!found.visit) return std::nullopt;
  std::vector<int32_t> choice = choice_after(problem_, *found.path, found.visit->moves);
  if (objective_ != Objective::kLeastBytes) return choice;
  State state(problem_);
  for (size_t i = 0; i < choice.size(); ++i) state.move(i, choice[i]);
  fill_bytes(state, limit, noise_bound);
  return state.choice();
}

// What the path left of the noise bound still buys bytes: largest saving that fits, until none does.
void Search::fill_bytes(State& state, int64_t limit, double noise_bound) const {
  for (bool progress = true; progress;) {
    progress = false;
    for (size_t i = 0; i < problem_.items.size(); ++i) {
      const auto& candidates = problem_.items[i].candidates;
      const int32_t before = state.choice()[i];
      int32_t best = before;
      for (size_t c = 0; c < candidates.size(); ++c) {
        if (candidates[c].bytes >= candidates[best].bytes) continue;
        state.move(i, static_cast<int32_t>(c));
        const Totals totals = state.totals();
        if (totals.noise <= noise_bound && (limit == 0 || totals.peak <= limit)) best = static_cast<int32_t>(c);
        state.move(i, before);
      }
      if (best == before) continue;
      state.move(i, best);
      progress = true;
    }
  }
}

std::optional<Totals> Search::lowest_peak(double noise_bound) const {
  const Found found = find(0, noise_bound, [](const Totals& a, const Totals& b) { return a.peak < b.peak; });
  if (!found.visit) return std::nullopt;
  return found.visit->totals;
}

std::vector<int32_t> Search::lowest_peak_choice(double noise_bound) const {
  Found found = find(0, noise_bound, [](const Totals& a, const Totals& b) { return a.peak < b.peak; });
  if (!found.visit)
    found = find(0, std::numeric_limits<double>::infinity(),
                 [](const Totals& a, const Totals& b) { return a.noise < b.noise; });
  return choice_after(problem_, *found.path, found.visit->moves);
}

std::optional<double> Search::least_noise(int64_t limit) const {
  const Found found = find(limit, std::numeric_limits<double>::infinity(),
                           [](const Totals& a, const Totals& b) { return a.noise < b.noise; });
  if (!found.visit) return std::nullopt;
  return found.visit->totals.noise;
}

std::vector<int32_t> smallest_lossless(const Problem& problem) {
  std::vector<int32_t> choice(problem.items.size(), 0);
  for (size_t i = 0; i < choice.size(); ++i) {
    const auto& candidates = problem.items[i].candidates;
    const auto size = [&](size_t c) {
      return std::tuple(candidates[c].noise, candidates[c].bytes, candidates[c].seconds);
    };
    if (!candidates[0].kept) continue;
    size_t best = 0;
    for (size_t c = 1; c < candidates.size(); ++c) {
      if (candidates[c].offloaded) continue;
      if (candidates[c].noise == 0 && candidates[c].bytes + kWorthwhileBytes <= candidates[0].bytes &&
          size(c) < size(best))
        best = c;
    }
    choice[i] = static_cast<int32_t>(best);
  }
  return choice;
}

}  // namespace cinch::planner
