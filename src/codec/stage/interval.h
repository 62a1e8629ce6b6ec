// Every predicate of one value as a closed interval: two comparisons without a branch. For device and walk.
#pragma once

#include <cmath>
#include <limits>

#include "cinch/need.h"
#include "src/core/device_fn.h"

namespace cinch::codec {

template <class F>
struct Interval {
  F lo, hi;
  bool magnitude;  // of |x|
  bool nan_on;

  CINCH_DEVICE_FN bool holds(F x) const {
    const F v = magnitude && x < 0 ? -x : x;
    return x == x ? lo <= v && v <= hi : nan_on;
  }
};

// Compared in F, which bounds are rounded to first. For kSign: x > 0.
template <class F>
Interval<F> interval_of(const Predicate& p) noexcept {
  constexpr F kInf = std::numeric_limits<F>::infinity(), kNone = std::numeric_limits<F>::quiet_NaN();
  // Open bounds become closed ones of the neighbour; beyond infinity there is none, and nothing compares with NaN.
  const auto above = [&](double bound) {
    const F b = static_cast<F>(bound);
    return b == kInf ? kNone : std::nextafter(b, kInf);
  };
  const auto below = [&](double bound) {
    const F b = static_cast<F>(bound);
    return b == -kInf ? kNone : std::nextafter(b, -kInf);
  };
  const F lo = static_cast<F>(p.lo), hi = static_cast<F>(p.hi);
  switch (p.kind) {
    case PredicateKind::kGreater:
      return {above(p.lo), kInf, false, p.nan_on};
    case PredicateKind::kGreaterEqual:
      return {lo, kInf, false, p.nan_on};
    case PredicateKind::kLess:
      return {-kInf, below(p.hi), false, p.nan_on};
    case PredicateKind::kLessEqual:
      return {-kInf, hi, false, p.nan_on};
    case PredicateKind::kOpenInterval:
      return {above(p.lo), below(p.hi), false, p.nan_on};
    case PredicateKind::kClosedInterval:
      return {lo, hi, false, p.nan_on};
    case PredicateKind::kAbsGreater:
      return {above(p.lo), kInf, true, p.nan_on};
    default:
      return {above(0.0), kInf, false, p.nan_on};
  }
}

// x < 0, for the second plane of kSign.
template <class F>
Interval<F> negative_interval() noexcept {
  return {-std::numeric_limits<F>::infinity(), -std::numeric_limits<F>::denorm_min(), false, false};
}

}  // namespace cinch::codec
