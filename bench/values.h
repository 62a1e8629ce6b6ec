// How far two buffers of floats are apart. No torch.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "cinch/dtype.h"
#include "src/core/read_float.h"

namespace cinch::bench {

struct Distance {
  double max_error = 0, rms_error = 0;  // absolute
};
inline Distance distance(const void* a, const void* b, int64_t numel, DType dtype) {
  Distance d;
  double squares = 0;
  for (int64_t i = 0; i < numel; ++i) {
    const double e = std::abs(read_float(a, i, dtype) - read_float(b, i, dtype));
    d.max_error = std::max(d.max_error, e);
    squares += e * e;
  }
  d.rms_error = numel > 0 ? std::sqrt(squares / static_cast<double>(numel)) : 0;
  return d;
}

}  // namespace cinch::bench
