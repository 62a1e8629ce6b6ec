#include "planner/choosable.h"

#include <algorithm>

#include "cinch/error.h"
#include "planner/problem.h"

namespace cinch::planner {

Profile choosable(Profile profile, const Budget& budget) {
  Problem problem;
  try {
    problem = make_problem(profile, budget);
  } catch (const Error&) {
    return profile;
  }
  const bool nothing_asked = budget.limit.kind == LimitKind::kNone && budget.objective == Objective::kLeastNoise;
  for (size_t i = 0; i < profile.payloads.size(); ++i) {
    const std::vector<Candidate>& candidates = problem.items[i].candidates;
    const bool lossless_only = nothing_asked && candidates[0].kept;
    std::vector<Option> left;
    for (size_t o = 0; o < profile.payloads[i].options.size(); ++o) {
      Option& option = profile.payloads[i].options[o];
      const auto is_this = [&](const Candidate& c) { return c.option == static_cast<int32_t>(o); };
      if (option.lossless || (!lossless_only && std::ranges::any_of(candidates, is_this)))
        left.push_back(std::move(option));
    }
    profile.payloads[i].options = std::move(left);
  }
  return profile;
}

}  // namespace cinch::planner
