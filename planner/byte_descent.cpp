#include <queue>

#include "planner/descent.h"
#include "planner/offer.h"

namespace cinch::planner {

Path descend_bytes(const Problem& problem, const Prices& prices) {
  State state(problem);
  Path path;
  path.visits.push_back({state.totals(), 0});
  const auto best_offer = [&](int32_t index) {
    Offer best;
    const Candidate& now = state.chosen(index);
    const auto& candidates = problem.items[index].candidates;
    for (size_t i = 0; i < candidates.size(); ++i) {
      if (candidates[i].bytes >= now.bytes) continue;
      const Offer offer = make_offer(static_cast<double>(now.bytes - candidates[i].bytes),
                                     prices.of(candidates[i]) - prices.of(now), index, static_cast<int32_t>(i));
      if (best.item < 0 || offer.better_than(best)) best = offer;
    }
    return best;
  };
  std::priority_queue<Offer> offers;
  for (size_t i = 0; i < problem.items.size(); ++i) {
    if (const Offer offer = best_offer(static_cast<int32_t>(i)); offer.item >= 0) offers.push(offer);
  }
  while (!offers.empty()) {
    const Offer offer = offers.top();
    offers.pop();
    state.move(offer.item, offer.candidate);
    path.moves.push_back({offer.item, offer.candidate});
    path.visits.push_back({state.totals(), path.moves.size()});
    if (const Offer next = best_offer(offer.item); next.item >= 0) offers.push(next);
  }
  return path;
}

std::vector<int32_t> choice_after(const Problem& problem, const Path& path, size_t moves) {
  std::vector<int32_t> choice(problem.items.size(), 0);
  for (size_t i = 0; i < moves; ++i) choice[path.moves[i].item] = path.moves[i].candidate;
  return choice;
}

}  // namespace cinch::planner
