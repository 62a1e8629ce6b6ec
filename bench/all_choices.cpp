#include "bench/all_choices.h"

#include <algorithm>

#include "cinch/planner.h"
#include "planner/simulate.h"

namespace cinch::bench {

AllChoices::AllChoices(const Profile& profile) {
  std::vector<int32_t> choice(profile.payloads.size(), 0);
  using planner::can_be_coded, planner::is_kept;
  for (;;) {
    Outcome outcome;
    outcome.peak = simulate_peak(profile, choice);
    for (size_t i = 0; i < choice.size(); ++i) {
      const PayloadProfile& payload = profile.payloads[i];
      const Option& option = payload.options[choice[i]];
      outcome.noise += option.noise_variance;
      outcome.seconds += option.seconds;
      outcome.bytes += static_cast<double>(is_kept(option) ? payload.raw_bytes : option.charged_bytes);
    }
    outcomes_.push_back(outcome);
    size_t i = 0;
    while (i < choice.size()) {
      const PayloadProfile& payload = profile.payloads[i];
      const auto options = static_cast<int32_t>(can_be_coded(payload) ? payload.options.size() : 1);
      if (++choice[i] < options) break;
      choice[i++] = 0;
    }
    if (i == choice.size()) return;
  }
}

double AllChoices::best(Objective objective, int64_t limit, double noise_bound) const {
  double out = std::numeric_limits<double>::infinity();
  for (const Outcome& o : outcomes_) {
    if ((limit == 0 || o.peak <= limit) && o.noise <= noise_bound) out = std::min(out, o.value(objective));
  }
  return out;
}

int64_t AllChoices::lowest_peak(double noise_bound) const {
  int64_t out = std::numeric_limits<int64_t>::max();
  for (const Outcome& o : outcomes_) {
    if (o.noise <= noise_bound) out = std::min(out, o.peak);
  }
  return out;
}

}  // namespace cinch::bench
