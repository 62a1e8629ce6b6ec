#include "planner/categories.h"

#include <algorithm>

#include "planner/simulate.h"

namespace cinch {
namespace planner {
namespace {

int64_t take(int64_t& left, int64_t bytes) {
  const int64_t taken = std::clamp<int64_t>(bytes, 0, left);
  left -= taken;
  return taken;
}

}  // namespace

std::vector<BytesByCategory> by_category(const Profile& profile, const std::vector<int32_t>& choice) {
  const std::vector<int64_t> total = simulate(profile, choice);
  const std::vector<int64_t> raw = simulate_payloads(profile, std::vector<int32_t>(profile.payloads.size(), 0));
  std::vector<BytesByCategory> result(total.size());
  for (size_t i = 0; i < total.size(); ++i) {
    int64_t left = total[i];
    BytesByCategory& now = result[i];
    now.parameters_bytes = take(left, profile.parameters_bytes);
    now.optimizer_bytes = take(left, profile.optimizer_bytes);
    now.gradients_bytes = take(left, profile.timeline[i].gradients_bytes);
    // Whatever the choice changes is a payload or its decode buffer.
    now.payloads_bytes = take(left, raw[i] + total[i] - profile.timeline[i].bytes);
    now.transients_bytes = left;
  }
  return result;
}

}  // namespace planner

std::vector<BytesByCategory> Profile::timeline_by_category() const {
  return planner::by_category(*this, std::vector<int32_t>(payloads.size(), 0));
}

}  // namespace cinch
