// compute_stats: one look at an extent, or at evenly spread groups of it.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "cinch/codec.h"
#include "cinch/error.h"
#include "src/core/checked.h"
#include "src/core/float16.h"

namespace cinch {
namespace {

struct Bf16 {
  uint16_t bits;
};
struct Fp16 {
  uint16_t bits;
};

template <class T>
double to_double(T v) {
  return static_cast<double>(v);
}
double to_double(Bf16 v) { return bf16_to_float(v.bits); }
double to_double(Fp16 v) { return fp16_to_float(v.bits); }

struct Sums {
  int64_t finite = 0, zeros = 0;
  double origin = 0, sum = 0, squares = 0, min = std::numeric_limits<double>::infinity(), max = -min;
  std::vector<double> square_ranges;  // of groups with finite values
};

template <class T>
void add_group(const T* p, int64_t count, Sums* s) {
  double low = std::numeric_limits<double>::infinity(), high = -low;
  for (int64_t i = 0; i < count; ++i) {
    T raw;
    std::memcpy(&raw, p + i, sizeof raw);
    const double v = to_double(raw);
    if (!std::isfinite(v)) continue;
    if (s->finite++ == 0) s->origin = v;
    s->zeros += v == 0.0;
    // About the first value: a large mean must not drown the variance.
    const double d = v - s->origin;
    s->sum += d;
    s->squares += d * d;
    low = std::min(low, v);
    high = std::max(high, v);
  }
  if (low > high) return;
  s->min = std::min(s->min, low);
  s->max = std::max(s->max, high);
  s->square_ranges.push_back((high - low) * (high - low));
}

double sum_of(const std::vector<double>& values) {
  double sum = 0;
  for (const double v : values) sum += v;
  return sum;
}

// Means over equal parts of sorted values. In units of 1 / kParts of a value, a part is n long and a value kParts, so
// that a value may be shared by parts.
auto means_of_parts(const std::vector<double>& sorted) {
  constexpr auto kParts = static_cast<int64_t>(TensorStats::kRangeParts);
  const auto n = static_cast<int64_t>(sorted.size());
  std::array<double, TensorStats::kRangeParts> means{};
  for (int64_t part = 0; part < kParts; ++part) {
    const int64_t begin = part * n, end = begin + n;
    double sum = 0;
    for (int64_t i = begin / kParts; i * kParts < end; ++i)
      sum += sorted[static_cast<size_t>(i)] *
             static_cast<double>(std::min(end, (i + 1) * kParts) - std::max(begin, i * kParts));
    means[static_cast<size_t>(part)] = sum / static_cast<double>(n);
  }
  return means;
}

template <class T>
TensorStats stats_of(const void* data, int64_t numel, int64_t max_samples, bool is_float) {
  const auto* p = static_cast<const T*>(data);
  const SampledGroups groups = sampled_groups(numel, max_samples);
  Sums s;
  s.square_ranges.reserve(static_cast<size_t>(groups.count));
  TensorStats stats;
  for (int64_t i = 0; i < groups.count; ++i) {
    const int64_t g = i * groups.stride;
    const int64_t count = std::min(kStatsGroup, numel - g * kStatsGroup);
    add_group(p + g * kStatsGroup, count, &s);
    stats.sampled += count;
  }
  stats.finite = s.finite == stats.sampled;
  if (s.finite == 0) return stats;
  const auto n = static_cast<double>(s.finite);
  stats.min = s.min;
  stats.max = s.max;
  stats.zero_fraction = static_cast<double>(s.zeros) / n;
  if (!is_float) return stats;
  const double mean = s.sum / n;
  stats.mean = s.origin + mean;
  stats.variance = std::max(0.0, s.squares / n - mean * mean);
  stats.mean_square_group_range = sum_of(s.square_ranges) / static_cast<double>(s.square_ranges.size());
  std::ranges::sort(s.square_ranges);
  stats.square_group_ranges = means_of_parts(s.square_ranges);
  return stats;
}

}  // namespace

SampledGroups sampled_groups(int64_t numel, int64_t max_samples) noexcept {
  const int64_t groups = ceil_div(numel, kStatsGroup), wanted = std::max<int64_t>(1, max_samples / kStatsGroup);
  // One stride for all, so that a device can gather them in one copy; between half of `wanted` and all of it.
  const int64_t stride = ceil_div(groups, wanted);
  return {ceil_div(groups, stride), stride};
}

TensorStats compute_stats(const Extent& in, int64_t max_samples) {
  if (in.numel < 0 || (in.numel > 0 && in.data == nullptr))
    throw CodecError("compute_stats: no data for " + std::to_string(in.numel) + " values");
  if (in.numel == 0) return {};
  switch (in.dtype) {
    case DType::kFloat32:
      return stats_of<float>(in.data, in.numel, max_samples, true);
    case DType::kBFloat16:
      return stats_of<Bf16>(in.data, in.numel, max_samples, true);
    case DType::kFloat16:
      return stats_of<Fp16>(in.data, in.numel, max_samples, true);
    case DType::kFloat64:
      return stats_of<double>(in.data, in.numel, max_samples, true);
    case DType::kBool:
    case DType::kUInt8:
      return stats_of<uint8_t>(in.data, in.numel, max_samples, false);
    case DType::kInt8:
      return stats_of<int8_t>(in.data, in.numel, max_samples, false);
    case DType::kInt16:
      return stats_of<int16_t>(in.data, in.numel, max_samples, false);
    case DType::kInt32:
      return stats_of<int32_t>(in.data, in.numel, max_samples, false);
    case DType::kInt64:
      return stats_of<int64_t>(in.data, in.numel, max_samples, false);
    case DType::kOther:
      break;
  }
  throw CodecError("compute_stats: dtype other is not supported");
}

}  // namespace cinch
