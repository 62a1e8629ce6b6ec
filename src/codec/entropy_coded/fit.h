// What an entropy-coded payload needs to know of its tensor before the first value is coded: the step, the range of
// symbols and the prefix code, from a sample.
#pragma once

#include <span>

#include "src/codec/entropy_coded/channels.h"
#include "src/codec/entropy_coded/fit_rules.h"
#include "src/codec/entropy_coded/letters.h"
#include "src/codec/entropy_coded/prefix_code.h"

namespace cinch::codec {

// From one group in 16, of small tensors more.
Scale sample_scale(const Extent& in, const CodecContext& context);

// The `width` neighbouring symbols that hold the most of a sample; in the middle of those that hold as many.
struct Window {
  int begin = 0;
  uint64_t inside = 0;
};
Window best_window(std::span<const uint32_t> counts, int width) noexcept;

struct Code {
  CodeLengths lengths{};
  double bits_of_value = 0;  // that the code spends on the sample, literals and raw values included
};
Code code_of(std::span<const uint32_t, kLetters> counts, const Alphabet& alphabet) noexcept;

struct Fit {
  Quantiser quantiser;
  Code code;
};

// Range of symbols and prefix code for a quantiser whose step, offset, dither and key are given; from one group in 64,
// of small tensors more. Where sigma is 0 the offset is that one value. `numel` > 0. With `channels` it is deviations
// that are quantised, and the scale is theirs.
Fit fit_code(const void* in, DType dtype, int64_t numel, const Quantiser& quantiser, const Scale& scale,
             const Channels* channels = nullptr);

}  // namespace cinch::codec
