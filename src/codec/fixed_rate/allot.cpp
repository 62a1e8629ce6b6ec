#include "src/codec/fixed_rate/allot.h"

#include <algorithm>

namespace cinch::codec {
namespace {

constexpr uint16_t kLowest = bf16_ceil(kSmallestRange);
constexpr uint16_t kHighest = bf16_ceil(2 * kLargestCoded);

// Groups of each range. Only the ranges that occur are cleared and looked at: small tensors have few.
class Histogram {
 public:
  explicit Histogram(std::span<const Sides> ranges) {
    for (const Sides s : ranges) {
      if (s.step == 0) continue;
      low_ = std::min(low_, s.step);
      high_ = std::max(high_, s.step);
    }
    if (low_ > high_) return;
    std::fill(counts_.begin() + (low_ - kLowest), counts_.begin() + (high_ - kLowest) + 1, 0u);
    for (const Sides s : ranges) {
      if (s.step == 0) continue;
      ++counts_[s.step - kLowest];
      ++groups_;
    }
  }
  int64_t groups() const { return groups_; }  // that are not constant
  uint16_t highest() const { return low_ > high_ ? uint16_t{0} : high_; }
  int64_t count(uint16_t range) const { return counts_[range - kLowest]; }
  // The next range below that occurs, or 0.
  uint16_t below(uint16_t range) const {
    while (range > low_)
      if (count(--range) > 0) return range;
    return 0;
  }

 private:
  std::array<uint32_t, kHighest - kLowest + 1> counts_;  // 105 KiB
  uint16_t low_ = kHighest, high_ = 0;
  int64_t groups_ = 0;
};

}  // namespace

Allotment::Allotment(std::span<const Sides> ranges, int64_t bits) {
  const Histogram histogram(ranges);
  int64_t left = bits - histogram.groups();
  // Each raise goes down the ranges by itself; the one that saves most is next. At equal ranges a smaller width is
  // always raised first, so no group skips one.
  std::array<uint16_t, 3> at;
  at.fill(histogram.highest());
  for (;;) {
    size_t best = kRaises.size();
    double most = 0;
    for (size_t i = 0; i < kRaises.size(); ++i) {
      const double range = bf16_to_float(at[i]), saves = kRaises[i].saves * (range * range);
      if (saves > most) best = i, most = saves;
    }
    if (best == kRaises.size()) return;
    const int64_t count = histogram.count(at[best]), affordable = std::min(count, left / kRaises[best].bits);
    left -= affordable * kRaises[best].bits;
    if (affordable < count) {
      // What is left buys no such raise any more, and none of a larger width, but perhaps smaller ones.
      thresholds_[best] = {at[best], affordable};
      at[best] = 0;
    } else {
      at[best] = histogram.below(at[best]);
    }
  }
}

int Allotment::next(uint16_t range) noexcept {
  if (range == 0) return 0;
  int bits = 1;
  for (Threshold& t : thresholds_) {
    if (range < t.range || (range == t.range && t.equals == 0)) break;
    if (range == t.range) --t.equals;
    bits *= 2;
  }
  return bits;
}

}  // namespace cinch::codec
