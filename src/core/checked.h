// Arithmetic on sizes that throws instead of wrapping.
#pragma once

#include <cstdint>
#include <string>

#include "cinch/error.h"

namespace cinch {

inline int64_t checked_add(int64_t a, int64_t b) {
  int64_t r;
  if (__builtin_add_overflow(a, b, &r)) throw Error("size overflows: " + std::to_string(a) + " + " + std::to_string(b));
  return r;
}

inline int64_t checked_mul(int64_t a, int64_t b) {
  int64_t r;
  if (__builtin_mul_overflow(a, b, &r)) throw Error("size overflows: " + std::to_string(a) + " * " + std::to_string(b));
  return r;
}

// ceil(a / b) for a >= 0, b > 0, without overflow.
constexpr int64_t ceil_div(int64_t a, int64_t b) noexcept { return a / b + (a % b != 0 ? 1 : 0); }

}  // namespace cinch
