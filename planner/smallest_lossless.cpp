#include "planner/smallest_lossless.h"

#include <tuple>

namespace cinch::planner {
namespace {

constexpr int64_t kWorthwhileBytes = 1024;

}  // namespace

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
