// What two runs that take turns say of each other: pairs share what the machine was like at the time. No torch.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

namespace cinch::bench {

// q in [0, 1], between neighbours where it falls between them; NaN of nothing.
inline double quantile(std::vector<double> values, double q) {
  if (values.empty()) return std::numeric_limits<double>::quiet_NaN();
  std::ranges::sort(values);
  const double at = q * static_cast<double>(values.size() - 1);
  const auto below = static_cast<size_t>(at);
  const size_t above = std::min(below + 1, values.size() - 1);
  return std::lerp(values[below], values[above], at - static_cast<double>(below));
}

inline double median(const std::vector<double>& values) { return quantile(values, 0.5); }

// Of a median, as if what it is taken of were normal in the middle: its quartiles are 1.349 deviations apart, and a
// median of normal values scatters 1.2533 times as much as their mean.
inline double median_standard_error(const std::vector<double>& values) {
  const double spread = (quantile(values, 0.75) - quantile(values, 0.25)) / 1.349;
  return 1.2533 * spread / std::sqrt(static_cast<double>(values.size()));
}

// The median of those that are numbers.
inline double median_of_numbers(std::vector<double> values) {
  std::erase_if(values, [](double value) { return std::isnan(value); });
  return median(values);
}

// Medians of whole turns of `turn` values; those that are NaN are left out.
inline std::vector<double> turn_medians(const std::vector<double>& values, size_t turn) {
  std::vector<double> medians;
  for (auto begin = values.begin(); values.end() - begin >= static_cast<std::ptrdiff_t>(turn);) {
    const auto end = begin + static_cast<std::ptrdiff_t>(turn);
    medians.push_back(median_of_numbers({begin, end}));
    begin = end;
  }
  return medians;
}

// Of runs that change turns, `with` first: the median of each of its turns but the first over the geometric mean of
// those of the turns before and after it, so that a machine that grows slower or faster steadily leaves no trace. A
// turn without a number says nothing.
inline std::vector<double> turn_ratios(const std::vector<double>& with, const std::vector<double>& without,
                                       size_t turn) {
  const std::vector<double> ours = turn_medians(with, turn), theirs = turn_medians(without, turn);
  std::vector<double> ratios;
  for (size_t i = 1; i < std::min(ours.size(), theirs.size()); ++i)
    ratios.push_back(ours[i] / std::sqrt(theirs[i - 1] * theirs[i]));
  std::erase_if(ratios, [](double ratio) { return std::isnan(ratio); });
  return ratios;
}

}  // namespace cinch::bench
