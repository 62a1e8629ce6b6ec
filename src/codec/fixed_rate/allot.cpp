#include "src/codec/fixed_rate/allot.h"

#include <algorithm>

#include "src/codec/fixed_rate/allot_rules.h"

namespace cinch::codec {
namespace {

// Groups by range, added up from the widest. Only the ranges that occur are cleared and looked at: small tensors have
// few.
class Histogram {
 public:
  explicit Histogram(std::span<const Sides> ranges) {
    for (const Sides s : ranges) {
      if (s.step == 0) continue;
      low_ = std::min(low_, uint32_t{s.step});
      high_ = std::max(high_, uint32_t{s.step});
    }
    if (low_ > high_) return;
    std::fill(counts_.begin() + (low_ - kLowestRange), counts_.begin() + (high_ - kLowestRange) + 1, 0u);
    for (const Sides s : ranges)
      if (s.step != 0) ++counts_[s.step - kLowestRange];
    for (uint32_t range = high_; range > low_; --range)
      counts_[range - 1 - kLowestRange] += counts_[range - kLowestRange];
  }
  uint32_t at_least(uint32_t range) const {
    return range > high_ || low_ > high_ ? 0 : counts_[std::max(range, low_) - kLowestRange];
  }
  // Of the ranges that there are; a raise that is due elsewhere has no groups.
  template <class Holds>
  uint32_t highest(const Holds& holds) const {
    if (low_ > high_ || !holds(low_)) return 0;
    uint32_t yes = low_, no = high_ + 1;
    while (no - yes > 1) {
      const uint32_t middle = (yes + no) / 2;
      (holds(middle) ? yes : no) = middle;
    }
    return yes;
  }

 private:
  std::array<uint32_t, kRanges> counts_;  // 105 KiB
  uint32_t low_ = kHighestRange, high_ = 0;
};

}  // namespace

Allotment::Allotment(std::span<const Sides> ranges, int64_t bits) {
  const Histogram histogram(ranges);
  find_thresholds([&](uint32_t range) { return histogram.at_least(range); }, bits,
                  [&](const auto& holds) { return histogram.highest(holds); },
                  [&](int raise, Threshold t) { thresholds_[static_cast<size_t>(raise)] = t; });
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
