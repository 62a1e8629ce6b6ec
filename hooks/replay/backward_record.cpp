#include "hooks/replay/backward_record.h"

#include <ATen/ops/from_blob.h>
#include <ATen/ops/index_select.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "hooks/replay/squared_norm.h"
#include "src/core/mix.h"

namespace cinch::hooks {
namespace {

// The gradient as a row of values in memory order.
at::Tensor as_row(const at::Tensor& gradient) {
  if (gradient.is_non_overlapping_and_dense()) return gradient.as_strided({gradient.numel()}, {1});
  return gradient.reshape({-1});
}

// `samples` values, each from its own share of the row, at the same places each time.
std::vector<float> sample(const at::Tensor& row, int64_t samples) {
  const int64_t numel = row.numel();
  std::vector<int64_t> places(static_cast<size_t>(samples));
  for (int64_t i = 0; i < samples; ++i) {
    const auto begin = static_cast<int64_t>(static_cast<double>(numel) * static_cast<double>(i) / samples);
    const auto end = static_cast<int64_t>(static_cast<double>(numel) * static_cast<double>(i + 1) / samples);
    const auto width = static_cast<uint64_t>(std::max<int64_t>(1, end - begin));
    places[static_cast<size_t>(i)] =
        std::min(numel - 1, begin + static_cast<int64_t>(mix64(static_cast<uint64_t>(i)) % width));
  }
  const at::Tensor index = at::from_blob(places.data(), {samples}, at::kLong);
  const at::Tensor taken = row.index_select(0, index).to(at::kFloat);
  const float scale = std::sqrt(static_cast<float>(numel) / static_cast<float>(samples));
  const auto* values = taken.const_data_ptr<float>();
  std::vector<float> out(static_cast<size_t>(samples));
  std::transform(values, values + samples, out.begin(), [scale](float value) { return value * scale; });
  return out;
}

}  // namespace

BackwardRecord::BackwardRecord(uint64_t leaves_hash, size_t leaves, std::vector<int64_t> samples)
    : leaves_hash_(leaves_hash), samples_(std::move(samples)), squares_(leaves), told_(leaves), sketches_(leaves) {}

void BackwardRecord::leaf(size_t index, const at::Tensor& gradient) {
  double square = 0;
  std::vector<float> values;
  if (gradient.defined()) {
    if (gradient.layout() != c10::kStrided || !at::isFloatingType(gradient.scalar_type())) return spoil();
    square = hooks::squared_norm(gradient);
    if (!samples_.empty() && gradient.numel() > 0)
      values = sample(as_row(gradient), std::min(samples_[index], gradient.numel()));
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  squares_[index] = square;
  told_[index] = true;
  sketches_[index] = std::move(values);
}

void BackwardRecord::add(ReplayResult result) {
  const std::lock_guard<std::mutex> lock(mutex_);
  results_.push_back(std::move(result));
}

void BackwardRecord::spoil() {
  const std::lock_guard<std::mutex> lock(mutex_);
  spoiled_ = true;
}

std::optional<double> BackwardRecord::squared_norm() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (spoiled_ || told_.empty() || std::ranges::find(told_, false) != told_.end()) return std::nullopt;
  const double sum = std::accumulate(squares_.begin(), squares_.end(), 0.0);
  return std::isfinite(sum) && sum > 0 ? std::optional(sum) : std::nullopt;
}

std::vector<ReplayResult> BackwardRecord::take_results() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return std::exchange(results_, {});
}

std::vector<float> BackwardRecord::sketch() const {
  if (samples_.empty() || !squared_norm()) return {};
  const std::lock_guard<std::mutex> lock(mutex_);
  std::vector<float> all;
  for (const auto& part : sketches_) all.insert(all.end(), part.begin(), part.end());
  return all;
}

std::vector<int64_t> sketch_samples(const std::vector<int64_t>& leaf_numels, int64_t total) {
  const int64_t all = std::accumulate(leaf_numels.begin(), leaf_numels.end(), int64_t{0});
  std::vector<int64_t> samples;
  for (const int64_t numel : leaf_numels) {
    const double share = all == 0 ? 0 : static_cast<double>(numel) / static_cast<double>(all);
    samples.push_back(
        std::clamp<int64_t>(static_cast<int64_t>(share * static_cast<double>(total)), 1, std::max<int64_t>(1, numel)));
  }
  return samples;
}

}  // namespace cinch::hooks
