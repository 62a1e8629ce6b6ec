#include "planner/compact.h"

#include <algorithm>
#include <cmath>
#include <tuple>

#include "planner/state.h"

namespace cinch::planner {
namespace {

// All ties together weigh this much of the least cost that any candidate has.
constexpr double kTieShare = 1e-6;

Costs make_costs(const Problem& problem, Objective objective) {
  Costs costs{objective, 0, 0};
  double least = std::numeric_limits<double>::infinity();
  for (const Item& item : problem.items) {
    double most = 0;
    for (const Candidate& c : item.candidates) {
      if (const double main = costs.main(c); main > 0) least = std::min(least, main);
      most = std::max(most, costs.tie(c));
    }
    costs.most_ties += most;
  }
  // Where nothing costs anything, ties are all there is.
  if (costs.most_ties > 0) costs.tie_weight = (std::isfinite(least) ? kTieShare * least : 1.0) / costs.most_ties;
  return costs;
}

// Does `a` serve wherever `b` does, at no higher price?
bool beats(bool noise_counts, const Candidate& a, const Candidate& b) {
  return a.kept == b.kept && a.buffered <= b.buffered && a.bytes <= b.bytes && a.cost <= b.cost &&
         (!noise_counts || a.noise <= b.noise);
}

std::vector<Candidate> useful(const Item& item, const Costs& costs, double noise_bound) {
  const bool noise_counts = costs.objective != Objective::kLeastNoise;
  std::vector<Candidate> sorted = item.candidates;
  for (Candidate& c : sorted) c.cost = costs.of(c);
  std::sort(sorted.begin(), sorted.end(), [&](const Candidate& a, const Candidate& b) {
    const auto key = [&](const Candidate& c) {
      return std::tuple(!c.kept, c.cost, c.bytes, c.noise, c.buffered, c.option);
    };
    return key(a) < key(b);
  });
  std::vector<Candidate> out;
  for (const Candidate& next : sorted) {
    if (noise_counts && next.noise > noise_bound) continue;
    if (std::none_of(out.begin(), out.end(), [&](const Candidate& c) { return beats(noise_counts, c, next); }))
      out.push_back(next);
  }
  if (out.empty()) out = sorted;  // no plan will do; whoever asks shall hear so from the totals
  return out;
}

struct Range {
  int64_t least = 0, most = 0;
};

// What an item can change over a segment.
Range range_of(const Item& item, const Segment& segment) {
  Range out{INT64_MAX, INT64_MIN};
  for (const Candidate& c : item.candidates) {
    const int64_t delta = State::delta(segment, c);
    out.least = std::min(out.least, delta);
    out.most = std::max(out.most, delta);
  }
  return out;
}

// Where the bytes of an item step up or down between two instants, and how far its candidates let it.
class Steps {
 public:
  explicit Steps(const Problem& problem)
      : rise_(problem.raw_timeline.size() + 1, 0), fall_(problem.raw_timeline.size() + 1, 0) {
    for (const Item& item : problem.items) add(item);
    for (size_t t = 1; t < problem.raw_timeline.size(); ++t) {
      const int64_t raw = problem.raw_timeline[t] - problem.raw_timeline[t - 1];
      rise_[t] += raw;
      fall_[t] -= raw;
    }
  }
  /// The most by which instant t can lie above the one before it, and below.
  int64_t rise(size_t t) const { return rise_[t]; }
  int64_t fall(size_t t) const { return fall_[t]; }

 private:
  static int64_t delta(const Segment* segment, const Candidate& c) { return segment ? State::delta(*segment, c) : 0; }

  void step(const Item& item, const Segment* before, const Segment* after) {
    const int32_t t = after ? after->begin : before->end;
    int64_t rise = INT64_MIN, fall = INT64_MIN;
    for (const Candidate& c : item.candidates) {
      const int64_t change = delta(after, c) - delta(before, c);
      rise = std::max(rise, change);
      fall = std::max(fall, -change);
    }
    rise_[t] += rise;
    fall_[t] += fall;
  }

  void add(const Item& item) {
    const Segment* before = nullptr;
    for (const Segment& segment : item.segments) {
      if (before && before->end != segment.begin) {
        step(item, before, nullptr);
        before = nullptr;
      }
      step(item, before, &segment);
      before = &segment;
    }
    if (before) step(item, before, nullptr);
  }

  std::vector<int64_t> rise_, fall_;
};

// Instants that may be the highest one of some choice. Going from left to right over those that are left, each is
// compared with its neighbour: what it can lie above it at most is summed up over the steps between them.
std::vector<int32_t> instants_that_matter(const Problem& problem) {
  const Steps steps(problem);
  struct Kept {
    int32_t instant;
    int64_t rise, fall;  // from the kept one before
  };
  std::vector<Kept> kept;
  const auto instants = static_cast<int32_t>(problem.raw_timeline.size());
  int64_t rise = 0, fall = 0;
  for (int32_t t = 0; t < instants; ++t) {
    rise += t > 0 ? steps.rise(t) : 0;
    fall += t > 0 ? steps.fall(t) : 0;
    // Never above the kept one before it: nothing to keep, and the steps add up.
    if (!kept.empty() && rise <= 0) continue;
    // Kept ones that are never above this one.
    while (!kept.empty() && fall <= 0) {
      rise += kept.back().rise;
      fall += kept.back().fall;
      kept.pop_back();
    }
    kept.push_back({t, rise, fall});
    rise = fall = 0;
  }
  std::vector<int32_t> out;
  for (const Kept& k : kept) out.push_back(k.instant);
  return out;
}

std::vector<Segment> over(const std::vector<Segment>& segments, const std::vector<int32_t>& instants) {
  const auto place = [&](int32_t t) {
    return static_cast<int32_t>(std::lower_bound(instants.begin(), instants.end(), t) - instants.begin());
  };
  std::vector<Segment> out;
  for (Segment s : segments) {
    s.begin = place(s.begin);
    s.end = place(s.end);
    if (s.begin >= s.end) continue;
    if (!out.empty() && out.back().end == s.begin && out.back().add_buffered == s.add_buffered &&
        out.back().add_unbuffered == s.add_unbuffered)
      out.back().end = s.end;
    else
      out.push_back(s);
  }
  return out;
}

}  // namespace

double Costs::main(const Candidate& c) const {
  switch (objective) {
    case Objective::kLeastTime:
      return c.seconds;
    case Objective::kLeastBytes:
      return static_cast<double>(c.bytes);
    default:
      return c.noise;
  }
}

std::vector<int32_t> translate(const Compact& compact, const Problem& problem, const std::vector<int32_t>& options) {
  std::vector<int32_t> out(options.size(), 0);
  for (size_t i = 0; i < options.size(); ++i) {
    const auto& all = problem.items[i].candidates;
    const Candidate& wanted =
        *std::find_if(all.begin(), all.end(), [&](const Candidate& c) { return c.option == options[i]; });
    const auto& left = compact.problem.items[i].candidates;
    double least = std::numeric_limits<double>::infinity();
    for (size_t c = 0; c < left.size(); ++c) {
      if (left[c].kept != wanted.kept || left[c].buffered > wanted.buffered || left[c].bytes > wanted.bytes ||
          left[c].noise > wanted.noise || left[c].cost >= least)
        continue;
      least = left[c].cost;
      out[i] = static_cast<int32_t>(c);
    }
  }
  return out;
}

Compact make_compact(const Problem& problem, Objective objective, double noise_bound) {
  Compact out;
  out.costs = make_costs(problem, objective);
  if (objective != Objective::kLeastNoise) out.noise_bound = noise_bound;
  Problem& small = out.problem;
  small = problem;
  for (Item& item : small.items) {
    item.candidates = useful(item, out.costs, out.noise_bound);
    // What no candidate changes takes no part.
    std::erase_if(item.segments, [&](const Segment& s) {
      const Range range = range_of(item, s);
      return range.least == 0 && range.most == 0;
    });
  }
  out.instants = instants_that_matter(small);
  std::vector<int64_t> timeline;
  timeline.reserve(out.instants.size());
  for (const int32_t t : out.instants) timeline.push_back(small.raw_timeline[t]);
  small.raw_timeline = std::move(timeline);
  for (Item& item : small.items) item.segments = over(item.segments, out.instants);
  return out;
}

}  // namespace cinch::planner
