#include "planner/simulate.h"

#include <algorithm>

#include "cinch/planner.h"
#include "planner/profile_check.h"

namespace cinch {
namespace planner {
namespace {

// Range additions, summed up once at the end.
class Differences {
 public:
  explicit Differences(size_t instants) : steps_(instants + 1, 0) {}
  void add(int32_t begin, int32_t end, int64_t bytes) {
    if (begin >= end) return;
    steps_[begin] += bytes;
    steps_[end] -= bytes;
  }
  std::vector<int64_t> sums() && {
    int64_t running = 0;
    for (int64_t& step : steps_) step = running += step;
    steps_.pop_back();
    return std::move(steps_);
  }

 private:
  std::vector<int64_t> steps_;
};

int64_t highest(const std::vector<int64_t>& bytes) {
  return bytes.empty() ? 0 : *std::max_element(bytes.begin(), bytes.end());
}

Differences raw_timeline(const Profile& profile) {
  Differences out(profile.timeline.size());
  for (size_t i = 0; i < profile.timeline.size(); ++i)
    out.add(static_cast<int32_t>(i), static_cast<int32_t>(i) + 1, profile.timeline[i].bytes);
  return out;
}

const Option& chosen(const Profile& profile, const std::vector<int32_t>& choice, size_t i) {
  const auto& options = profile.payloads[i].options;
  if (choice[i] < 0 || choice[i] >= static_cast<int32_t>(options.size()))
    throw Error("choice of an option that payload " + std::to_string(i) + " does not have");
  return options[choice[i]];
}

void require_choice_for_all(const Profile& profile, const std::vector<int32_t>& choice) {
  if (choice.size() != profile.payloads.size()) throw Error("a choice must name one option for each payload");
}

}  // namespace

bool can_be_coded(const PayloadProfile& payload) noexcept {
  return payload.exclusive_at >= 0 && payload.exclusive_at < payload.freed_at;
}

bool is_kept(const Option& option) noexcept { return option.spec.name == "keep"; }

bool has_decode_buffer(const Option& option) noexcept { return option.spec.name != "shape"; }

std::vector<Piece> coded_pieces(const PayloadProfile& payload, bool decode_buffer) {
  const int64_t raw = payload.raw_bytes, buffer = decode_buffer ? raw : 0;
  const int32_t encoded = payload.exclusive_at, freed = payload.freed_at;
  // (instant, change in the number of buffers); a zero only marks where the raw form begins or ends to count.
  std::vector<std::pair<int32_t, int32_t>> changes{{encoded, 0}, {encoded + 1, 0}, {freed, 0}};
  for (const Use& use : payload.uses) {
    if (use.end <= encoded) continue;
    changes.push_back({std::max(use.begin, encoded + 1), 1});
    changes.push_back({use.end + 1, -1});
  }
  std::sort(changes.begin(), changes.end());
  std::vector<Piece> pieces;
  int64_t buffers = 0;
  for (size_t i = 0; i + 1 < changes.size(); ++i) {
    buffers += changes[i].second;
    const int32_t begin = changes[i].first, end = changes[i + 1].first;
    if (begin >= end) continue;
    int64_t add = buffers * buffer - raw;
    if (begin == encoded)
      add = 0;
    else if (begin >= freed)
      add = std::max<int64_t>(add, 0);
    if (!pieces.empty() && pieces.back().add == add)
      pieces.back().end = end;
    else
      pieces.push_back({begin, end, add});
  }
  return pieces;
}

std::vector<int64_t> simulate(const Profile& profile, const std::vector<int32_t>& choice) {
  require_sound(profile);
  require_choice_for_all(profile, choice);
  Differences bytes = raw_timeline(profile);
  for (size_t i = 0; i < profile.payloads.size(); ++i) {
    const Option& option = chosen(profile, choice, i);
    if (is_kept(option) || !can_be_coded(profile.payloads[i])) continue;
    for (const Piece& piece : coded_pieces(profile.payloads[i], has_decode_buffer(option)))
      bytes.add(piece.begin, piece.end, piece.add + option.charged_bytes);
  }
  return std::move(bytes).sums();
}

std::vector<int64_t> simulate_payloads(const Profile& profile, const std::vector<int32_t>& choice) {
  require_sound(profile);
  require_choice_for_all(profile, choice);
  Differences bytes(profile.timeline.size());
  const auto instants = static_cast<int32_t>(profile.timeline.size());
  for (size_t i = 0; i < profile.payloads.size(); ++i) {
    const PayloadProfile& payload = profile.payloads[i];
    const Option& option = chosen(profile, choice, i);
    const bool coded = !is_kept(option) && can_be_coded(payload);
    const int32_t freed = std::min(instants, std::max(payload.freed_at, payload.saved_at + 1));
    const int32_t swapped = coded ? std::min(payload.exclusive_at + 1, freed) : freed;
    bytes.add(payload.saved_at, swapped, payload.raw_bytes);
    bytes.add(swapped, freed, option.charged_bytes);
  }
  return std::move(bytes).sums();
}

std::vector<int64_t> simulate_floor(const Profile& profile) {
  require_sound(profile);
  Differences bytes = raw_timeline(profile);
  for (const PayloadProfile& payload : profile.payloads) {
    if (!can_be_coded(payload)) continue;
    const bool buffer = std::all_of(payload.options.begin(), payload.options.end(), has_decode_buffer);
    // Where uses overlap keeping the payload raw is cheaper than two buffers, so no piece may add anything.
    for (const Piece& piece : coded_pieces(payload, buffer))
      bytes.add(piece.begin, piece.end, std::min<int64_t>(piece.add, 0));
  }
  return std::move(bytes).sums();
}

}  // namespace planner

int64_t simulate_peak(const Profile& profile, const std::vector<int32_t>& choice) {
  return planner::highest(planner::simulate(profile, choice));
}

int64_t Profile::baseline_peak_bytes() const {
  int64_t peak = 0;
  for (const Instant& instant : timeline) peak = std::max(peak, instant.bytes);
  return peak;
}

int64_t Profile::floor_bytes() const { return planner::highest(planner::simulate_floor(*this)); }

int64_t Profile::raw_peak_bytes() const {
  return planner::highest(planner::simulate_payloads(*this, std::vector<int32_t>(payloads.size(), 0)));
}

}  // namespace cinch
