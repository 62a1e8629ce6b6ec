// The arithmetic of error_bound's fit, written once for the CPU and the kernels: levels from a scale, pieces of a
// sample, what symbols cost.
#pragma once

#include <bit>
#include <limits>

#include "src/codec/entropy_coded/bound_quantiser.h"
#include "src/codec/entropy_coded/fit_rules.h"
#include "src/codec/entropy_coded/neighbours.h"

namespace cinch::codec {

enum class Predict { kAuto, kNone, kLorenzo };

// What a bound is a share of: nothing, (largest - smallest) of the sample, its standard deviation.
enum class BoundUnit { kAbsolute, kRange, kDeviation };

struct BoundAim {
  double bound = 0.01;
  BoundUnit unit = BoundUnit::kRange;
  Predict predict = Predict::kAuto;
  bool dithered = false;
};

// More exact zeros than this, and a level of their own is cheaper than to store each as a missed value.
constexpr double kManyZeros = 0.004;
constexpr int64_t kReach = 1024;  // integers beyond it count as if they were there: no symbol holds them

// Logarithm of 2, of normal numbers, without the library's, whose last bits differ between machines: it decides. Within
// 1e-4.
CINCH_DEVICE_FN double log2_of(double x) {
  const auto bits = std::bit_cast<uint64_t>(x);
  const int exponent = static_cast<int>(bits >> 52) - 1023;
  const double m = std::bit_cast<double>((bits & 0xfffffffffffffull) | 0x3ff0000000000000ull);
  const double z = (m - 1) / (m + 1), zz = z * z;
  return exponent + 2.8853900817779268 * z * (1 + zz * (1.0 / 3 + zz * (1.0 / 5 + zz * (1.0 / 7))));
}

// Half of the distance of neighbouring values of a dtype, as a share of the value.
constexpr double rounding_of(DType dtype) noexcept {
  return dtype == DType::kFloat32 ? 0x1p-24 : dtype == DType::kBFloat16 ? 0x1p-8 : 0x1p-11;
}

// What is taken off first.
CINCH_DEVICE_FN double far_mean(double mean, double sigma) {
  return sigma == 0 || (mean < 0 ? -mean : mean) > kFarFromZero * sigma ? mean : 0.0;
}

// Distance of levels that keep a bound: less than twice the bound by what is rounded of most values, here and to the
// dtype. Values at the edges of cells would be missed otherwise.
CINCH_DEVICE_FN double level_step(double bound, double mean, double sigma, DType dtype) {
  // Outliers may be much of sigma, but no symbols reach as far.
  const double far = far_mean(mean, sigma);
  const double reach = (far < 0 ? -far : far) + 2 * Alphabet::kSingleSymbols * bound;
  const double most = (mean < 0 ? -mean : mean) + 3 * sigma;
  const double rounding = (reach < most ? reach : most) * rounding_of(dtype);
  const double kept = bound * (1 - 0x1p-12) - rounding;
  return 2 * (kept > bound / 2 ? kept : bound / 2);
}

// False: a bound that float32 cannot work with.
CINCH_DEVICE_FN bool set_levels(const Scale& scale, DType dtype, const BoundAim& aim, bool zeros, Levels& l) {
  l.zeros = zeros;
  double bound = aim.bound;
  if (aim.unit == BoundUnit::kRange) bound *= static_cast<double>(scale.high) - static_cast<double>(scale.low);
  if (aim.unit == BoundUnit::kDeviation) bound *= scale.sigma;
  // The range of one value bounds the error to nothing: a step that float32 does not see beside it, where it is large
  // enough.
  const bool exact = aim.unit != BoundUnit::kAbsolute && scale.low == scale.high;
  const double size = scale.mean < 0 ? -scale.mean : scale.mean;
  if (exact) {
    const double unseen = size * 0x1p-30;
    bound = unseen > kSmallestScale ? unseen : kSmallestScale;
  }
  if (bound > kLargestScale) bound = kLargestScale;
  if (!(bound >= kSmallestScale)) return false;
  l.bound = static_cast<float>(bound);
  if (static_cast<double>(l.bound) > bound) l.bound = std::bit_cast<float>(std::bit_cast<uint32_t>(l.bound) - 1);
  l.step = static_cast<float>(level_step(bound, scale.mean, scale.sigma, dtype));
  // Less than the distance of any other number: what is not this value is stored as it is.
  if (exact) l.bound = static_cast<float>(size * 0x1p-26 > 0x1p-149 ? size * 0x1p-26 : 0x1p-149);
  // Levels on both sides of zero where zeros are apart; else one close to it, because values about zero are the most
  // likely ones.
  const double share = aim.dithered || exact ? 0 : l.zeros ? 0.5 : 0x1p-6;
  l.origin = static_cast<float>(far_mean(scale.mean, scale.sigma) + static_cast<double>(l.step) * share);
  // Sums of the largest float32 values are beyond them.
  constexpr float kLargest = std::numeric_limits<float>::max();
  return l.step <= kLargest && l.origin <= kLargest && l.origin >= -kLargest;
}

// A sample: at least so many values, and one in so many, in pieces of a group or more. Before a piece so many are read
// but not counted as reach to the neighbours of the first that counts, in reason: rows of 112 positions of 64 channels.
// Larger ones are taken for having no neighbours in other rows.
struct PieceSample {
  static constexpr int64_t kLeast = 32768, kShare = 64, kMostSkipped = 8192, kMostCounted = 4096;
  int64_t numel = 0, skipped = 0, counted = 0, pieces = 0, apart = 0;
  int64_t few = 1;  // one piece of so many tells the choices as well

  static PieceSample of(int64_t numel, const Axes& axes, bool lorenzo) noexcept {
    PieceSample s;
    s.numel = numel;
    if (lorenzo)
      for (const Axis& axis : axes.all())
        s.skipped = std::min(kMostSkipped, s.skipped + ceil_div(axis.stride, kLetterGroup) * kLetterGroup);
    s.counted = std::clamp(s.skipped, kLetterGroup, kMostCounted);
    const int64_t piece = s.skipped + s.counted;
    s.pieces = std::max<int64_t>(1, std::min(numel / piece, std::max(kLeast, numel / kShare) / s.counted));
    s.apart = numel / s.pieces / kLetterGroup * kLetterGroup;
    s.few = std::clamp<int64_t>(s.pieces / 32, 1, 4);
    return s;
  }

  // Values of the tensor from `begin` on: `count`, of which the first `skipped` do not count.
  struct Piece {
    int64_t begin, skipped, count;
  };
  // Anywhere in its share of the tensor: at constant distances pieces may all meet the same few channels.
  constexpr Piece piece(int64_t p) const noexcept {
    const int64_t beside = apart - skipped - counted, places = (beside > 0 ? beside : 0) / kLetterGroup + 1;
    const uint64_t place = mix64(static_cast<uint64_t>(p)) % static_cast<uint64_t>(places);
    const int64_t begin = p * apart + static_cast<int64_t>(place) * kLetterGroup;
    const int64_t before = begin == 0 ? 0 : skipped, whole = before + counted;
    return {begin, before, whole < numel - begin ? whole : numel - begin};
  }
  // All that count, of one piece of each `stride`.
  constexpr int64_t values(int64_t stride) const noexcept {
    return pieces == 1 ? (counted < numel ? counted : numel) : (pieces + stride - 1) / stride * counted;
  }
};

// Bits of a sample: the entropy of `width` symbols, and an escape of 8 + 16 bits for the others; no code takes less
// than a bit a letter.
CINCH_DEVICE_FN double outside_bits(double total, double inside) {
  const double outside = total - inside;
  return outside * 24 + (outside > 0 ? outside * log2_of(total / outside) : 0.0);
}
CINCH_DEVICE_FN double symbol_bits(uint32_t count, double total) {
  const double n = count;
  return count > 0 ? n * log2_of(total / n) : 0.0;
}
CINCH_DEVICE_FN double window_bits(double bits, int width, double total) {
  const double least = width == Alphabet::kPairedSymbols ? total / 2 : total;
  const double most = bits > least ? bits : least;
  return width == Alphabet::kPairedSymbols ? most : most * 1.02;
}
// Of values that no level holds.
CINCH_DEVICE_FN double missed_bits(int64_t missed, DType dtype) {
  return static_cast<double>(missed) * 8 * static_cast<double>(2 + (dtype == DType::kFloat32 ? 4 : 2));
}

}  // namespace cinch::codec
