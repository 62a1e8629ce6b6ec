#include "src/codec/entropy_coded/bound_fit.h"

#include <algorithm>
#include <cmath>

#include "src/codec/entropy_coded/symbols.h"
#include "src/core/mix.h"

namespace cinch::codec {
namespace {

constexpr double kSmallestBound = 0x1p-100, kLargestBound = 0x1p100;
constexpr double kFarFromZero = 8.0;  // in deviations: a mean beyond it is taken off first
// More exact zeros than this, and a level of their own is cheaper than to store each as a missed value.
constexpr double kManyZeros = 0.004;
// Of a sample: at least so many values, and one in so many, in pieces of a group or more. Before a piece so many are
// read but not counted as reach to the neighbours of the first that counts, in reason: rows of 112 positions of 64
// channels. Larger ones are taken for having no neighbours in other rows.
constexpr int64_t kLeast = 32768, kShare = 64, kMostSkipped = 8192, kMostCounted = 4096;
constexpr int64_t kReach = 1024;  // integers beyond it count as if they were there: no symbol holds them

// Logarithm of 2 without the library's, whose last bits differ between machines: it decides. Within 1e-4.
double log2_of(double x) noexcept {
  int exponent;
  const double m = 2 * std::frexp(x, &exponent), z = (m - 1) / (m + 1), zz = z * z;
  return exponent - 1 + 2.8853900817779268 * z * (1 + zz * (1.0 / 3 + zz * (1.0 / 5 + zz * (1.0 / 7))));
}

// Half of the distance of neighbouring values of a dtype, as a share of the value.
double rounding_of(DType dtype) noexcept {
  return dtype == DType::kFloat32 ? 0x1p-24 : dtype == DType::kBFloat16 ? 0x1p-8 : 0x1p-11;
}

// What is taken off first.
double far_mean(double mean, double sigma) noexcept {
  return sigma == 0 || std::abs(mean) > kFarFromZero * sigma ? mean : 0.0;
}

std::optional<Levels> levels_for(const Scale& scale, DType dtype, const BoundAim& aim, bool zeros) {
  Levels l;
  l.zeros = zeros;
  const bool constant = scale.low == scale.high;
  double bound = aim.bound;
  // The range of one value bounds the error to nothing: a step that float32 does not see beside it, where it is large
  // enough.
  if (aim.unit == BoundUnit::kRange) bound *= static_cast<double>(scale.high) - static_cast<double>(scale.low);
  if (aim.unit == BoundUnit::kDeviation) bound *= scale.sigma;
  if (aim.unit != BoundUnit::kAbsolute && constant) bound = std::max(std::abs(scale.mean) * 0x1p-30, kSmallestBound);
  bound = std::min(bound, kLargestBound);
  if (!(bound >= kSmallestBound)) return std::nullopt;
  l.bound = static_cast<float>(bound);
  if (static_cast<double>(l.bound) > bound) l.bound = std::nextafter(l.bound, 0.0f);
  l.step = static_cast<float>(level_step(bound, scale.mean, scale.sigma, dtype));
  const bool exact = aim.unit != BoundUnit::kAbsolute && constant;
  // Less than the distance of any other number: what is not this value is stored as it is.
  if (exact) l.bound = static_cast<float>(std::max(std::abs(scale.mean) * 0x1p-26, 0x1p-149));
  // Levels on both sides of zero where zeros are apart; else one close to it, because values about zero are the most
  // likely ones.
  const double share = aim.dithered || exact ? 0 : l.zeros ? 0.5 : 0x1p-6;
  l.origin = static_cast<float>(far_mean(scale.mean, scale.sigma) + static_cast<double>(l.step) * share);
  // Sums of the largest float32 values are beyond them.
  if (!std::isfinite(l.step) || !std::isfinite(l.origin)) return std::nullopt;
  return l;
}

struct Choice {
  BoundQuantiser quantiser;
  double bits_of_value = 0;
};

class Sample {
 public:
  Sample(const void* in, DType dtype, int64_t numel, const Axes& axes, bool lorenzo)
      : in_(static_cast<const std::byte*>(in)), dtype_(dtype), numel_(numel), axes_(axes) {
    if (lorenzo)
      for (const Axis& axis : axes.all())
        skipped_ = std::min(kMostSkipped, skipped_ + ceil_div(axis.stride, kLetterGroup) * kLetterGroup);
    counted_ = std::clamp(skipped_, kLetterGroup, kMostCounted);
    const int64_t piece = skipped_ + counted_;
    pieces_ = std::max<int64_t>(1, std::min(numel / piece, std::max(kLeast, numel / kShare) / counted_));
    apart_ = numel / pieces_ / kLetterGroup * kLetterGroup;
  }

  // visit(integers, count) of each `stride`-th piece; the number of missed values goes to `missed`.
  template <class Visit>
  void each(const BoundQuantiser& q, int64_t stride, int64_t* missed, Visit&& visit) const {
    *missed = 0;
    for (int64_t p = 0; p < pieces_; p += stride) {
      const int64_t begin = p * apart_ + place(p), skipped = begin == 0 ? 0 : skipped_;
      const int64_t count = std::min(skipped + counted_, numel_ - begin);
      const BoundQuantiser here = quantiser_at(q, begin);
      BoundIntegers integers(in_ + begin * dtype_bytes(dtype_), dtype_, count, begin, here, axes_);
      integers.add(0, ceil_div(count, kLetterGroup));
      const auto places = integers.missed();
      *missed += std::count_if(places.begin(), places.end(), [&](int64_t place) { return place >= skipped; });
      visit(integers.data() + skipped, count - skipped);
    }
  }

  // Share of exact zeros, of levels that keep them apart.
  double zeros(const Levels& levels) const;
  // The range of symbols that costs the fewest bits; the alphabet given says nothing.
  Choice choose(const BoundQuantiser& given) const;
  Code code(const BoundQuantiser& q) const;

 private:
  // For what a quarter of the sample tells as well.
  int64_t few() const { return std::clamp<int64_t>(pieces_ / 32, 1, 4); }
  // Of a piece, anywhere in its share of the tensor: at constant distances pieces may all meet the same few channels.
  int64_t place(int64_t p) const {
    const int64_t places = std::max<int64_t>(0, apart_ - skipped_ - counted_) / kLetterGroup + 1;
    return static_cast<int64_t>(mix64(static_cast<uint64_t>(p)) % static_cast<uint64_t>(places)) * kLetterGroup;
  }
  double missed_bits(int64_t missed) const {
    return static_cast<double>(missed) * 8 *
           static_cast<double>(sizeof(uint16_t) + static_cast<size_t>(dtype_bytes(dtype_)));
  }

  const std::byte* in_;
  DType dtype_;
  int64_t numel_;
  const Axes& axes_;
  int64_t skipped_ = 0, counted_, pieces_, apart_;
};

// Bits of a sample: the entropy of `width` symbols from `begin` on, and an escape of 8 + 16 bits for the others; no
// code takes less than a bit a letter.
double cost(std::span<const uint32_t> counts, const Window& window, int width, double total) {
  const double outside = total - static_cast<double>(window.inside);
  double bits = outside * 24 + (outside > 0 ? outside * log2_of(total / outside) : 0.0);
  for (int s = std::max(0, window.begin); s < std::min<int>(window.begin + width, static_cast<int>(counts.size()));
       ++s) {
    const double n = counts[static_cast<size_t>(s)];
    if (n > 0) bits += n * log2_of(total / n);
  }
  return width == Alphabet::kPairedSymbols ? std::max(bits, total / 2) : std::max(bits, total) * 1.02;
}

double Sample::zeros(const Levels& levels) const {
  BoundQuantiser q;
  q.levels = levels;
  int64_t missed, zeros = 0, total = 0;
  each(q, few(), &missed, [&](const int16_t* numbers, int64_t count) {
    zeros += std::count(numbers, numbers + count, int16_t{0});
    total += count;
  });
  return static_cast<double>(zeros) / static_cast<double>(total);
}

Choice Sample::choose(const BoundQuantiser& given) const {
  // Two, because an increment waits for the one before where it meets the same counter.
  std::array<std::array<uint32_t, 2 * kReach>, 2> tables{};
  Choice best;
  BoundQuantiser& q = best.quantiser;
  q = given;
  int64_t missed;
  double total = 0;
  each(q, few(), &missed, [&](const int16_t* integers, int64_t count) {
    for (int64_t i = 0; i < count; ++i)
      ++tables[static_cast<size_t>(i & 1)]
              [static_cast<size_t>(std::clamp<int64_t>(integers[i], -kReach, kReach - 1) + kReach)];
    total += static_cast<double>(count);
  });
  auto& counts = tables[0];
  for (size_t i = 0; i < counts.size(); ++i) counts[i] += tables[1][i];
  const Window few = best_window(counts, Alphabet::kPairedSymbols),
               many = best_window(counts, Alphabet::kSingleSymbols);
  const double few_bits = cost(counts, few, Alphabet::kPairedSymbols, total),
               many_bits = cost(counts, many, Alphabet::kSingleSymbols, total);
  q.alphabet.paired = few_bits <= many_bits;
  q.alphabet.base = static_cast<int>((q.alphabet.paired ? few : many).begin - kReach);
  best.bits_of_value = (std::min(few_bits, many_bits) + missed_bits(missed)) / total;
  return best;
}

Code Sample::code(const BoundQuantiser& q) const {
  std::array<uint32_t, kLetters> counts{};
  uint8_t letters[kMostCounted];
  int64_t missed;
  double total = 0;
  each(q, 1, &missed, [&](const int16_t* integers, int64_t count) {
    const int64_t groups = ceil_div(count, kLetterGroup);
    integers_to_letters(integers, groups, q.alphabet, letters);
    for (int64_t i = 0; i < groups * q.alphabet.letters_of_group(); ++i) ++counts[letters[i]];
    total += static_cast<double>(count);
  });
  Code code = code_of(counts, q.alphabet);
  code.bits_of_value += missed_bits(missed) / total;
  return code;
}

}  // namespace

double level_step(double bound, double mean, double sigma, DType dtype) noexcept {
  // Outliers may be much of sigma, but no symbols reach as far.
  const double reach = std::abs(far_mean(mean, sigma)) + 2 * Alphabet::kSingleSymbols * bound;
  const double rounding = std::min(std::abs(mean) + 3 * sigma, reach) * rounding_of(dtype);
  return 2 * std::max(bound * (1 - 0x1p-12) - rounding, bound / 2);
}

std::optional<BoundFit> fit_bound(const void* in, DType dtype, int64_t numel, const Grid& grid, const BoundAim& aim,
                                  uint64_t key) {
  const Scale scale = sample_scale(in, dtype, numel);
  if (!scale.any) return std::nullopt;
  auto levels = levels_for(scale, dtype, aim, true);
  if (!levels) return std::nullopt;
  const Axes axes(grid);
  const Sample sample(in, dtype, numel, axes, aim.predict != Predict::kNone);
  if (sample.zeros(*levels) < kManyZeros) levels = levels_for(scale, dtype, aim, false);
  BoundQuantiser q;
  q.levels = *levels;
  q.dithered = aim.dithered;
  q.key = key;
  q.lorenzo = aim.predict == Predict::kLorenzo;
  Choice best = sample.choose(q);
  if (aim.predict == Predict::kAuto) {
    q.lorenzo = true;
    const Choice lorenzo = sample.choose(q);
    if (lorenzo.bits_of_value < best.bits_of_value) best = lorenzo;
  }
  BoundFit fit{best.quantiser, sample.code(best.quantiser)};
  if (fit.code.bits_of_value >= static_cast<double>(8 * dtype_bytes(dtype))) return std::nullopt;
  return fit;
}

}  // namespace cinch::codec
