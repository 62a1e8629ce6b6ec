// Values as the nearest of equally spaced levels, within a bound of the error: what error_bound codes.
#pragma once

#include <cstdint>

#include "cinch/dtype.h"

namespace cinch::codec {

// Level k stands for k * step + origin, and is numbered k; where zeros are apart, number 0 is an exact zero and levels
// from 0 on move up by one. No level that is used is zero, so that zeros stay apart from what is small.
struct Levels {
  float step = 1.0f;  // a little less than twice the bound
  float origin = 0.0f;
  float bound = 0.0f;  // of |decoded value - value|: what is less in float32 is not more exactly
  bool zeros = false;
};

// Behind the last of `count` numbers, for whole vectors.
constexpr int64_t kLevelSlack = 32;

// Numbers of `count` values. Those that no level holds within the bound, after rounding to dtype, are *missed*: their
// places go to `missed`, which has room for `count`; how many they are is returned. A number they get as well, the
// nearest level's where there is one.
int64_t values_to_levels(const void* in, DType dtype, int64_t count, const Levels& levels, int16_t* numbers,
                         uint16_t* missed);

// Inverse. `stream`: write past the caches (out must then be 64-byte aligned).
void levels_to_values(const int16_t* numbers, int64_t count, const Levels& levels, DType dtype, void* out, bool stream);

}  // namespace cinch::codec
