/// Finds the best choice for a limit among the states that the paths visited.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "cinch/budget.h"
#include "planner/descent.h"

namespace cinch::planner {

class Search {
 public:
  Search(const Problem& problem, Objective objective);

  /// The best choice with its peak at or below `limit` (0: none) and its noise within `noise_bound`.
  std::optional<std::vector<int32_t>> best(int64_t limit, double noise_bound) const;
  /// The visited state of the lowest peak within the noise bound.
  std::optional<Totals> lowest_peak(double noise_bound) const;
  std::vector<int32_t> lowest_peak_choice(double noise_bound) const;
  /// The least noise that any visited state under the limit has.
  std::optional<double> least_noise(int64_t limit) const;

 private:
  struct Found {
    const Path* path = nullptr;
    const Visit* visit = nullptr;
  };
  template <typename Better>
  Found find(int64_t limit, double noise_bound, Better better) const;
  void fill_bytes(State& state, int64_t limit, double noise_bound) const;

  const Problem& problem_;
  Objective objective_;
  std::vector<Path> paths_;
};

/// Without a limit and for least noise: of every payload its smallest lossless form, where that saves at least 1 KiB.
/// Nothing is offloaded: that costs traffic, and nobody has asked for the bytes.
std::vector<int32_t> smallest_lossless(const Problem& problem);

}  // namespace cinch::planner
