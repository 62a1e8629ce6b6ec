// What an entropy-coded payload needs to know of its tensor before the first value is coded: the step, the range of
// symbols and the prefix code, from a sample.
#pragma once

#include <optional>

#include "src/codec/entropy_coded/letters.h"
#include "src/codec/entropy_coded/prefix_code.h"

namespace cinch::codec {

struct Scale {
  double mean = 0, sigma = 0;  // of the finite values in the sample; sigma 0: they are one value
  bool any = false;            // any finite value at all
};
// From one group in 16, of small tensors more.
Scale sample_scale(const void* in, DType dtype, int64_t numel);

struct Fit {
  Quantiser quantiser;
  CodeLengths lengths{};
  double bits_of_value = 0;  // that the code spends on the sample
};

// Range of symbols and prefix code for a quantiser whose step, offset, dither and key are given; from one group in 64,
// of small tensors more. Where sigma is 0 the offset is that one value. `numel` > 0.
Fit fit_code(const void* in, DType dtype, int64_t numel, const Quantiser& quantiser, const Scale& scale);

}  // namespace cinch::codec
