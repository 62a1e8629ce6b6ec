#include "planner/lowest_peak.h"

#include <algorithm>
#include <tuple>

namespace cinch::planner {

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
    const auto top =
        static_cast<int32_t>(std::max_element(state.usage().begin(), state.usage().end()) - state.usage().begin());
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
