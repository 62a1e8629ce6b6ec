// Lorenzo prediction of integers (Ibarria et al., Eurographics 2003): along each axis of a grid in turn, each is
// replaced by its difference from the one before. Over two axes that is left + up - upper left, over three likewise. In
// integers the inverse is exact, and a sum: no value waits for another one's rounding (cuSZ; Tian et al., PACT 2020).
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "src/codec/stage/grid.h"

namespace cinch::codec {

// Integers `stride` apart are neighbours; the first `stride` of each `period` have none before them.
struct Axis {
  int64_t stride = 1, period = 1;
};

class Axes {
 public:
  // Those of more than one position.
  explicit Axes(const Grid& grid) noexcept {
    int64_t stride = grid.inner;
    for (int k = 2; k >= 0; --k) {
      const int64_t side = grid.sides[static_cast<size_t>(k)];
      if (side > 1) axes_[count_++] = {stride, stride * side};
      stride *= side;
    }
  }
  std::span<const Axis> all() const noexcept { return {axes_.data(), count_}; }

 private:
  std::array<Axis, 3> axes_;
  size_t count_ = 0;
};

// Number 0 of `in` is number `first` of its tensor; nothing before that is looked at. Writes numbers `begin` to `end`
// of `out`, and may write as many as kLevelSlack behind them; what is before `begin` in `in` is known.
void to_differences(const Axis& axis, int64_t begin, int64_t end, int64_t first, const int16_t* in, int16_t* out);
// Inverse, of all numbers up to `count`.
void from_differences(const Axis& axis, int64_t count, int64_t first, const int16_t* in, int16_t* out);

}  // namespace cinch::codec
