#include "planner/replay_room.h"

#include <algorithm>
#include <limits>

#include "planner/simulate.h"

namespace cinch::planner {
namespace {

// The trial and what the node makes of it; then the difference, and what the engine holds of it.
constexpr int64_t kValues = 2;

bool is_replayed(const PayloadProfile& payload) {
  return std::ranges::any_of(payload.options, [](const Option& option) { return !option.lossless; });
}

}  // namespace

std::vector<int64_t> replay_bytes(const Profile& profile) {
  const size_t instants = profile.timeline.size();
  std::vector<int64_t> replayed(instants, 0);  // the largest payload whose node is at work
  size_t begin = instants, end = 0;            // of all backwards
  for (const PayloadProfile& payload : profile.payloads) {
    if (!is_replayed(payload)) continue;
    for (const Use& use : payload.uses) {
      const size_t last = std::min(instants, static_cast<size_t>(use.end) + 2);
      begin = std::min(begin, static_cast<size_t>(use.begin));
      end = std::max(end, last);
      for (auto i = static_cast<size_t>(use.begin); i < last; ++i)
        replayed[i] = std::max(replayed[i], payload.raw_bytes);
    }
  }
  std::vector<int64_t> bytes(instants, 0);
  if (begin >= end) return bytes;
  std::vector<int64_t> held = simulate_floor(profile);
  int64_t lasting = std::numeric_limits<int64_t>::max();
  for (size_t i = begin; i < end; ++i) {
    held[i] -= profile.timeline[i].gradients_bytes;
    lasting = std::min(lasting, held[i]);
  }
  int64_t later = 0;
  for (size_t i = end; i-- > begin;) {
    if (replayed[i] > 0) bytes[i] = later + kValues * replayed[i];
    later = std::max(later, held[i] - lasting);
  }
  return bytes;
}

Profile with_replay_room(Profile profile, const std::vector<int64_t>& bytes, int64_t room, double share) {
  const std::vector<int64_t> floor = simulate_floor(profile);
  for (size_t i = 0; i < floor.size(); ++i) {
    const auto most = static_cast<int64_t>(share * static_cast<double>(std::max<int64_t>(0, room - floor[i])));
    profile.timeline[i].bytes += std::min(bytes[i], most);
  }
  return profile;
}

}  // namespace cinch::planner
