// The arithmetic of a fit, written once for the CPU and the kernels: which groups a sample looks at, the scale that
// follows from its moments, the quantiser that follows from the scale and from counts of symbols.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "src/codec/entropy_coded/letters.h"
#include "src/codec/entropy_coded/sample.h"
#include "src/core/device_fn.h"

namespace cinch::codec {

// A tensor shorter than a group is repeated until it fills one.
constexpr int64_t whole_groups(int64_t numel) noexcept { return std::max<int64_t>(1, numel / kLetterGroup); }

// For the scale: one group in 16, of small tensors more.
constexpr GroupSample scale_sample(int64_t groups) noexcept {
  return GroupSample::of(groups, std::max<int64_t>(1, std::min<int64_t>(16, groups / 256)));
}
// For counts of letters: at least so many groups, the fewer the fewer are asked for of large tensors.
constexpr int64_t kWindowGroups = 16, kCodeGroups = 128, kCodeShare = 64;
static_assert(kCodeShare * kCodeGroups / kWindowGroups <= kLargestStride);
constexpr GroupSample letter_sample(int64_t groups, int64_t least) noexcept {
  return GroupSample::of(groups, std::max<int64_t>(1, std::min(kCodeShare * kCodeGroups / least, groups / least)));
}

// Sums of group i of a sample are added to part i % kMomentParts, and the parts by halves, so that many may add at once
// and always get the same.
constexpr int kMomentParts = 1024;
template <class T>
constexpr void add_halves(T* parts, int count) noexcept {
  for (int half = count / 2; half > 0; half /= 2)
    for (int i = 0; i < half; ++i) parts[i] += parts[i + half];
}

struct Scale {
  double mean = 0, sigma = 0;  // of the finite values in the sample; sigma 0: they are one value
  float low = 0, high = 0;     // of the same
  bool any = false;            // any finite value at all
};

// What moments are taken about: a large mean must not drown the variance. From those of a first group.
CINCH_DEVICE_FN float origin_of(bool any, float min, float max) { return any ? min / 2 + max / 2 : 0.0f; }

CINCH_DEVICE_FN Scale scale_of(const Moments& m, float origin) {
  Scale scale;
  if (m.count == 0) return scale;
  const auto n = static_cast<double>(m.count);
  const double mean = m.sum / n, variance = m.squares / n - mean * mean;
  scale.any = true;
  scale.low = m.min;
  scale.high = m.max;
  scale.mean = static_cast<double>(origin) + mean;
  if (m.min == m.max) scale.mean = static_cast<double>(m.min);
  if (m.min < m.max) scale.sigma = std::sqrt(variance > 0 ? variance : 0.0);
  return scale;
}

// Steps beyond these would leave float32's range on the way.
constexpr double kSmallestScale = 0x1p-100, kLargestScale = 0x1p100;
constexpr double kFarFromZero = 8.0;  // in sigmas: a mean beyond it is taken off first

// Step, offset and dither of a tensor of this scale. False: nothing finite, or a scale beyond what float32 can work
// with. What counts as one value has a sigma of 0 afterwards, and is coded exactly.
CINCH_DEVICE_FN bool set_steps(Scale& scale, double step_sigma, Quantiser& q) {
  if (!scale.any) return false;
  const bool constant = scale.sigma < kSmallestScale;
  const double size = scale.mean < 0 ? -scale.mean : scale.mean, least = size * 0x1p-8;
  const double sigma = !constant ? scale.sigma : least > kSmallestScale ? least : kSmallestScale;
  if (!(sigma <= kLargestScale) || !(size <= kLargestScale)) return false;
  q.dithered = !constant;
  if (constant) scale.sigma = 0;
  // Whether zeros of both signs have a negative mean depends on who compares them.
  if (constant || size > kFarFromZero * sigma) q.offset = static_cast<float>(scale.mean) + 0.0f;
  q.step = static_cast<float>(sigma * step_sigma);
  return true;
}

// The alphabet in which a sample is counted for its window: 253 symbols about the mean. A single value needs none: its
// symbol 0 is the offset itself, exactly.
CINCH_DEVICE_FN void set_wide_range(const Scale& scale, Quantiser& q) {
  q.paired = scale.sigma == 0;
  q.base = 0;
  if (q.paired) return;
  const double middle = (scale.mean - static_cast<double>(q.offset)) / static_cast<double>(q.step);
  q.base = static_cast<int>(std::floor(middle)) - 126;
}

// More values than this outside of 14 symbols, and a raw value's 32 bits cost more than symbols of 8 bits do.
constexpr double kMostOutside = 0.004;

// The range for good, from the best window of the counts: where it begins and how many of `all` letters are inside of
// it or zeros.
CINCH_DEVICE_FN void set_range(int window_begin, uint64_t inside_or_zero, uint64_t all, Quantiser& q) {
  q.paired = static_cast<double>(all - inside_or_zero) <= kMostOutside * static_cast<double>(all);
  if (q.paired) q.base += window_begin;
}

// What counts of a sample say of a letter that was seen so often: whether it has a code of its own. One seen once is as
// likely as not to be one of many such: they share a code, and so do those not seen at all (Good and Turing).
constexpr bool has_code(uint32_t count, uint8_t letter, const Alphabet& alphabet) noexcept {
  return count > 1 && !alphabet.holds_raw(letter);
}

}  // namespace cinch::codec
