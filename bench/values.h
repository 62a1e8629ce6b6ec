// Values of a buffer as doubles, and how far two buffers are apart. No torch.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "cinch/dtype.h"
#include "src/core/float16.h"

namespace cinch::bench {

inline double value_at(const void* data, int64_t i, DType dtype) {
  const auto* p = static_cast<const std::byte*>(data) + i * dtype_bytes(dtype);
  uint16_t half;
  std::memcpy(&half, p, 2);
  if (dtype == DType::kBFloat16) return bf16_to_float(half);
  if (dtype == DType::kFloat16) return fp16_to_float(half);
  if (dtype == DType::kFloat64) {
    double v;
    std::memcpy(&v, p, 8);
    return v;
  }
  float v;
  std::memcpy(&v, p, 4);
  return v;
}

struct Distance {
  double max_error = 0, rms_error = 0;  // absolute
};
inline Distance distance(const void* a, const void* b, int64_t numel, DType dtype) {
  Distance d;
  double squares = 0;
  for (int64_t i = 0; i < numel; ++i) {
    const double e = std::abs(value_at(a, i, dtype) - value_at(b, i, dtype));
    d.max_error = std::max(d.max_error, e);
    squares += e * e;
  }
  d.rms_error = numel > 0 ? std::sqrt(squares / static_cast<double>(numel)) : 0;
  return d;
}

}  // namespace cinch::bench
