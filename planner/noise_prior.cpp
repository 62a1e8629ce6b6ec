#include "planner/noise_prior.h"

#include <algorithm>
#include <cmath>

namespace cinch::planner {
namespace {

// Variance per unit of rel_mse that one payload adds, times the number of weight payloads.
// Weights: between what ResNet-18 (0.15) and the GPT (0.27) showed.
constexpr double kWeightShare = 0.2;
constexpr double kInputShare = 0.037;
constexpr double kNormalisationShare = 0.006;
// Log-softmax: 2.2 / 0.083, by one payload, however many others there are.
constexpr double kUpstream = 26.0;
constexpr double kLargest = 1e6;

}  // namespace

double noise_prior(const NoiseInput& input) noexcept {
  if (std::isnan(input.rel_mse)) return kLargest;
  const double rel_mse = std::max(input.rel_mse, 0.0);
  if (input.reach == Reach::kUpstream || !is_value(input.need)) return std::min(kUpstream * rel_mse, kLargest);
  double share = kWeightShare + kInputShare;
  if (input.reach == Reach::kWeightGrad) share = kWeightShare;
  if (input.reach == Reach::kInputGrad) share = kInputShare;
  if (input.reach == Reach::kNormalisation) share = kNormalisationShare;
  // A gradient that is not linear in the values feels the square of the error too.
  if (input.need == Need::kNonlinear) share *= 1.0 + rel_mse;
  return std::min(share * rel_mse / static_cast<double>(std::max<int64_t>(input.weight_payloads, 1)), kLargest);
}

}  // namespace cinch::planner
