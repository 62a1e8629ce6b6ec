#include "src/codec/fixed_rate/average_estimate.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "src/codec/fixed_rate/allot.h"

namespace cinch::codec {
namespace {

constexpr size_t kParts = TensorStats::kRangeParts;

// Mean square error of a group over its square range, with 1, 2, 4 and 8 bits.
using Errors = std::array<double, 4>;

// With one bit the error follows from the moments: E[(x - low)(high - x)] with stochastic rounding, and with nearest
// E[(range / 2 - |x - middle|)^2], the mean of |.| guessed as of a normal distribution. Where zero is the least value,
// the mean of a group is taken to go with its range, as it does where channels differ by a factor.
double one_bit_error(const TensorStats& stats, double mean_range, bool nearest) noexcept {
  const double square_range = stats.mean_square_group_range;
  const double from_low = stats.min == 0.0 ? stats.mean / mean_range : 0.5;
  const double offset = from_low - 0.5;
  const double second = stats.min == 0.0 ? (stats.variance + stats.mean * stats.mean) / square_range - from_low + 0.25
                                         : stats.variance / square_range;  // about the middle of the range
  const double stochastic = 0.25 - second;
  if (!nearest) return std::max(0.0, stochastic);
  return std::max(0.0, 0.25 - std::max(std::abs(offset), 0.8 * std::sqrt(std::max(0.0, second))) + second);
}

Errors errors_of(const TensorStats& stats, double mean_range, bool nearest) noexcept {
  // As in the estimate of one width for all: sides are rounded outward.
  const double range = std::sqrt(stats.mean_square_group_range);
  const double slack = stats.min == 0.0 ? 0.0 : std::abs(stats.mean - range / 2) * 0x1p-8;
  const double wider = (1 + slack / range) * (1 + 0x1p-8);
  Errors errors{};
  errors[0] = one_bit_error(stats, mean_range, nearest) * wider * wider;
  for (size_t i = 1; i < errors.size(); ++i) {
    const double step = wider / static_cast<double>((1 << (1 << i)) - 1);
    errors[i] = step * step / (nearest ? 12.0 : 6.0) * (stats.min == 0.0 ? 1.0 - stats.zero_fraction : 1.0);
  }
  return errors;
}

// Values of 16 bits are rounded once more: ulp^2 / 12, its mean over a binade.
double rounding_error(const TensorStats& stats, DType dtype) noexcept {
  const double ulp = dtype == DType::kBFloat16 ? 0x1p-7 : dtype == DType::kFloat16 ? 0x1p-10 : 0.0;
  return ulp * ulp / 12 * 0.54 * (stats.variance + stats.mean * stats.mean);
}

}  // namespace

double average_bits_error(const TensorStats& stats, double average_bits, bool nearest, DType dtype) noexcept {
  const auto& squares = stats.square_group_ranges;
  double mean_range = 0, left = average_bits, error = 0;
  for (const double square : squares) mean_range += std::sqrt(square) / kParts;
  if (!(mean_range > 0)) return 0;  // all groups are constant
  const Errors errors = errors_of(stats, mean_range, nearest);
  for (const double square : squares) {
    if (square <= 0) continue;
    left -= 1.0 / kParts;
    error += square * errors[0] / kParts;
  }
  // As Allotment does it, with parts of groups instead of groups.
  std::array<size_t, kRaises.size()> untouched;
  untouched.fill(kParts);
  while (left > 0) {
    size_t best = kRaises.size();
    double most = 0;
    for (size_t i = 0; i < kRaises.size(); ++i) {
      const double saves = untouched[i] == 0 ? 0 : kRaises[i].saves * squares[untouched[i] - 1];
      if (saves > most) best = i, most = saves;
    }
    if (best == kRaises.size()) break;
    const auto bits = static_cast<double>(kRaises[best].bits);
    const double share = std::min(1.0 / kParts, left / bits);
    left -= share * bits;
    error -= share * squares[--untouched[best]] * (errors[best] - errors[best + 1]);
  }
  return error + rounding_error(stats, dtype);
}

}  // namespace cinch::codec
