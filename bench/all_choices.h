/// Every choice of a small profile, tried out with the plain simulation. No torch.
#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "cinch/budget.h"
#include "cinch/profile.h"

namespace cinch::bench {

struct Outcome {
  int64_t peak = 0;
  double noise = 0, seconds = 0, bytes = 0;
  double value(Objective objective) const {
    return objective == Objective::kLeastNoise ? noise : objective == Objective::kLeastTime ? seconds : bytes;
  }
};

class AllChoices {
 public:
  explicit AllChoices(const Profile& profile);

  /// The least value within limit (0: none) and noise bound; infinity: nothing fits.
  double best(Objective objective, int64_t limit, double noise_bound) const;
  /// The lowest peak of all choices of at most this noise; the largest integer: there is none.
  int64_t lowest_peak(double noise_bound = std::numeric_limits<double>::infinity()) const;
  size_t size() const { return outcomes_.size(); }

 private:
  std::vector<Outcome> outcomes_;
};

}  // namespace cinch::bench
