#include "hooks/replay/gradient_variance.h"

#include <algorithm>
#include <cmath>

namespace cinch::hooks {
namespace {

// Old pairs count less: V changes as training goes on.
constexpr int64_t kRemembered = 32;
// Alternating networks; more sets of leaves than that are not a training loop's.
constexpr size_t kMostSets = 16;

double square_of(const std::vector<float>& values) {
  double sum = 0;
  for (const float value : values) sum += static_cast<double>(value) * value;
  return sum;
}

}  // namespace

void GradientVariance::interrupt() { last_.clear(); }

void GradientVariance::resume(double value, int64_t pairs) {
  last_.clear();
  pairs_ = pairs;
  difference_ = value;
  noise_ = 0;
}

void GradientVariance::add(uint64_t leaves, std::vector<float> sketch, double noise_variance) {
  const double square = square_of(sketch);
  if (!(square > 0) || !std::isfinite(square)) return;
  if (last_.size() >= kMostSets && !last_.contains(leaves)) last_.clear();
  Last& last = last_[leaves];
  if (last.sketch.size() == sketch.size()) {
    double difference = 0;
    for (size_t i = 0; i < sketch.size(); ++i) {
      const double d = static_cast<double>(sketch[i]) - last.sketch[i];
      difference += d * d;
    }
    ++pairs_;
    const double weight = 1.0 / static_cast<double>(std::min(pairs_, kRemembered));
    const auto mean = [weight](double& value, double next) { value += weight * (next - value); };
    // In units of the pair's own square: a loss that is scaled otherwise now must not weigh more.
    const double unit = 0.5 * (square + last.square);
    mean(difference_, 0.5 * difference / unit);
    mean(noise_, 0.5 * (noise_variance + last.noise_variance));
  }
  last = {std::move(sketch), square, noise_variance};
}

std::optional<double> GradientVariance::value() const {
  if (pairs_ < kLeastPairs) return std::nullopt;
  // The coded variance is relative to the exact gradient's square, which is what is left of the measured one.
  const double coded = noise_ / (1.0 + noise_);
  return std::clamp((difference_ - coded) / (1.0 - coded), 0.0, 1.0);
}

}  // namespace cinch::hooks
