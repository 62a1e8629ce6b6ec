// One value of an extent of floats, whatever its dtype. For places where speed does not matter.
#pragma once

#include <cstddef>
#include <cstring>

#include "cinch/dtype.h"
#include "src/core/float16.h"

namespace cinch {

// Element `i` of dense values of a floating-point dtype, exactly.
inline double read_float(const void* data, int64_t i, DType dtype) noexcept {
  const auto load = [&]<class T>(T v) {
    std::memcpy(&v, static_cast<const std::byte*>(data) + i * static_cast<int64_t>(sizeof v), sizeof v);
    return v;
  };
  if (dtype == DType::kFloat64) return load(double{});
  if (dtype == DType::kFloat32) return load(float{});
  const uint16_t bits = load(uint16_t{});
  return dtype == DType::kBFloat16 ? bf16_to_float(bits) : fp16_to_float(bits);
}

}  // namespace cinch
