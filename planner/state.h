/// A choice for every payload together with the bytes in use at every instant, kept up to date move by move.
#pragma once

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <vector>

#include "planner/problem.h"

namespace cinch::planner {

/// What a whole choice costs.
struct Totals {
  int64_t peak = 0;     ///< bytes in use at the highest instant
  int64_t charged = 0;  ///< sum of the payloads' bytes
  double noise = 0, seconds = 0;
};

class State {
 public:
  /// Every item at its first candidate.
  explicit State(const Problem& problem)
      : problem_(&problem),
        usage_(problem.raw_timeline),
        choice_(problem.items.size(), 0),
        noises_(problem.items.size()),
        costs_(problem.items.size()) {
    for (size_t i = 0; i < choice_.size(); ++i) take(i, 0);
  }

  const Problem& problem() const { return *problem_; }
  const std::vector<int64_t>& usage() const { return usage_; }
  const std::vector<int32_t>& choice() const { return choice_; }
  const Candidate& chosen(size_t item) const { return problem_->items[item].candidates[choice_[item]]; }

  void move(size_t item, int32_t candidate) {
    add(problem_->items[item], chosen(item), -1);
    take(item, candidate);
  }

  int64_t peak() const { return usage_.empty() ? 0 : *std::max_element(usage_.begin(), usage_.end()); }

  // Sums are made afresh in the order of items, so that equal choices have equal sums however they were reached.
  double noise() const { return std::accumulate(noises_.begin(), noises_.end(), 0.0); }
  double cost() const { return std::accumulate(costs_.begin(), costs_.end(), 0.0); }
  Totals totals() const {
    Totals out;
    out.peak = peak();
    for (size_t i = 0; i < choice_.size(); ++i) {
      const Candidate& c = chosen(i);
      out.charged += c.bytes;
      out.noise += c.noise;
      out.seconds += c.seconds;
    }
    return out;
  }

  /// Change of the bytes in use over a segment under a candidate.
  static int64_t delta(const Segment& segment, const Candidate& c) {
    return c.kept ? 0 : c.bytes + (c.buffered ? segment.add_buffered : segment.add_unbuffered);
  }

 private:
  void take(size_t item, int32_t candidate) {
    choice_[item] = candidate;
    const Candidate& c = chosen(item);
    noises_[item] = c.noise;
    costs_[item] = c.cost;
    add(problem_->items[item], c, +1);
  }

  void add(const Item& item, const Candidate& c, int sign) {
    if (c.kept) return;
    for (const Segment& segment : item.segments) {
      const int64_t bytes = sign * delta(segment, c);
      if (bytes == 0) continue;
      for (int32_t t = segment.begin; t < segment.end; ++t) usage_[t] += bytes;
    }
  }

  const Problem* problem_;
  std::vector<int64_t> usage_;
  std::vector<int32_t> choice_;
  std::vector<double> noises_, costs_;  // of what was chosen: side by side, since their sums are asked for at each move
};

}  // namespace cinch::planner
