// Sums of squares without a copy in double precision, for which a tight limit has no room.
#pragma once

#include <ATen/core/Tensor.h>

namespace cinch::hooks {

inline double squared_norm(const at::Tensor& values) {
  const bool wide = values.scalar_type() == at::kFloat || values.scalar_type() == at::kDouble;
  const double norm = (wide ? values.norm() : values.norm(2, at::kFloat)).item<double>();
  return norm * norm;
}

}  // namespace cinch::hooks
