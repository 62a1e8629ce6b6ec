// The answer of a predicate in the op's own words, independent of the codec.
#pragma once

#include <cmath>

#include "cinch/dtype.h"
#include "cinch/need.h"

namespace cinch::testing {

inline int answer(const Predicate& p, double x, DType dtype) {
  const auto bound = [&](double b) {
    return dtype == DType::kFloat64 ? b : static_cast<double>(static_cast<float>(b));
  };
  if (p.kind == PredicateKind::kSign) return std::isnan(x) ? (p.nan_on ? 1 : 0) : (x > 0) - (x < 0);
  if (std::isnan(x)) return p.nan_on;
  const double lo = bound(p.lo), hi = bound(p.hi);
  switch (p.kind) {
    case PredicateKind::kGreater:
      return x > lo;
    case PredicateKind::kGreaterEqual:
      return x >= lo;
    case PredicateKind::kLess:
      return x < hi;
    case PredicateKind::kLessEqual:
      return x <= hi;
    case PredicateKind::kOpenInterval:
      return x > lo && x < hi;
    case PredicateKind::kClosedInterval:
      return x >= lo && x <= hi;
    case PredicateKind::kAbsGreater:
      return std::fabs(x) > lo;
    default:
      return -1;
  }
}

}  // namespace cinch::testing
