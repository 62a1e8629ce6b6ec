// What the estimates of entropy-coded payloads share: exact zeros have a symbol of their own, the rest is told by its
// moments.
#pragma once

#include <algorithm>
#include <cmath>
#include <numbers>

#include "cinch/codec.h"
#include "src/codec/entropy_coded/payload.h"

namespace cinch::codec {

// Values that are not zero.
struct Nonzeros {
  double share = 0;  // of all values
  double variance = 0, second_moment = 0;
  double which_bits = 0;  // per value of the tensor, for telling them from zeros
};
inline Nonzeros nonzeros_of(const TensorStats& stats) noexcept {
  const auto plogp = [](double p) { return p > 0 ? -p * std::log2(p) : 0.0; };
  Nonzeros n;
  n.share = 1 - stats.zero_fraction;
  n.which_bits = plogp(stats.zero_fraction) + plogp(n.share);
  if (n.share <= 0) return n;
  const double mean = stats.mean / n.share;
  n.second_moment = (stats.variance + stats.mean * stats.mean) / n.share;
  n.variance = std::max(0.0, n.second_moment - mean * mean);
  return n;
}

// Entropy of values of this variance in steps: of a normal distribution, since none of that variance has more.
inline double normal_bits(double variance, double step) noexcept {
  return std::max(0.0, 0.5 * std::log2(2 * std::numbers::pi * std::numbers::e * (variance / (step * step) + 1.0 / 12)));
}

// Bits of a value that dither's slots have, for normal values: zeros apart add at most log2(1 + 2^h) - h bits to an
// entropy of h.
inline double dither_slot_bits(double step_sigma) noexcept {
  return std::log2(1 + std::exp2(normal_bits(1, step_sigma))) * 1.06 + 0.2;
}

// Of an entropy in bits per value; what a prefix code loses is added. Speeds in raw bytes per second.
inline Estimate entropy_estimate(int64_t numel, DType dtype, double bits, int64_t sides, double mean_square_error,
                                 double encode_speed, double decode_speed) noexcept {
  const double raw = static_cast<double>(numel) * static_cast<double>(dtype_bytes(dtype));
  Estimate e;
  e.bytes = sides + entropy_bytes(numel, dtype, bits * 1.02);
  e.mean_square_error = mean_square_error;
  e.encode_seconds = raw / encode_speed;
  e.decode_seconds = raw / decode_speed;
  return e;
}

}  // namespace cinch::codec
