#include "src/codec/entropy_coded/bound_fit.h"

#include <algorithm>
#include <cmath>

#include "src/codec/entropy_coded/symbols.h"

namespace cinch::codec {
namespace {

constexpr double kSmallestBound = 0x1p-100, kLargestBound = 0x1p100;
constexpr double kFarFromZero = 8.0;  // in deviations: a mean beyond it is taken off first
// More exact zeros than this, and a level of their own is cheaper than to store each as a missed value.
constexpr double kManyZeros = 0.004;
// Of a sample: pieces of so many values, at least so many pieces and one value in so many. Of all but the first piece
// the first half is read but not counted: only what has neighbours above tells what they are worth.
constexpr int64_t kPiece = 8192, kSkipped = kPiece / 2, kPieces = 8, kShare = 64;
static_assert(kSkipped % kLetterGroup == 0);
constexpr int64_t kReach = 2048;  // integers beyond it count as if they were there: no symbol holds them

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

std::optional<Levels> levels_for(const Scale& scale, DType dtype, const BoundAim& aim) {
  Levels l;
  const bool constant = scale.low == scale.high;
  const double size = std::abs(scale.mean);
  double bound = aim.bound;
  // The range of one value bounds the error to nothing: a step that float32 does not see beside it.
  if (aim.relative)
    bound = constant ? std::max(size * 0x1p-30, kSmallestBound)
                     : bound * (static_cast<double>(scale.high) - static_cast<double>(scale.low));
  bound = std::min(bound, kLargestBound);
  if (!(bound >= kSmallestBound)) return std::nullopt;
  l.bound = static_cast<float>(bound);
  if (static_cast<double>(l.bound) > bound) l.bound = std::nextafter(l.bound, 0.0f);
  if (constant || size > kFarFromZero * scale.sigma) l.offset = static_cast<float>(scale.mean);
  // Room for rounding, here and to the dtype: values at the edges of their level's cell would be missed otherwise.
  const double rounding = (size + 3 * scale.sigma) * rounding_of(dtype);
  l.step = static_cast<float>(2 * std::max(bound * (1 - 0x1p-12) - rounding, bound / 2));
  return l;
}

struct Choice {
  BoundQuantiser quantiser;
  double bits = 0;
};

class Sample {
 public:
  Sample(const void* in, DType dtype, int64_t numel, const Axes& axes)
      : in_(static_cast<const std::byte*>(in)), dtype_(dtype), numel_(numel), axes_(axes) {
    pieces_ = std::max<int64_t>(1, std::max(std::min(kPieces, numel / kPiece), numel / (kShare * kSkipped)));
    apart_ = numel / pieces_ / kLetterGroup * kLetterGroup;
  }

  // visit(integers, count) of each piece; the number of missed values goes to `missed`.
  template <class Visit>
  void each(const BoundQuantiser& q, int64_t* missed, Visit&& visit) const {
    int16_t a[kPiece + kLevelSlack], b[kPiece + kLevelSlack];
    uint16_t places[kPiece + kLevelSlack];
    *missed = 0;
    for (int64_t p = 0; p < pieces_; ++p) {
      const int64_t begin = p * apart_, count = std::min(kPiece, numel_ - begin), skipped = p == 0 ? 0 : kSkipped;
      int64_t found;
      const int16_t* integers = to_integers(in_ + begin * dtype_bytes(dtype_), dtype_, count, begin, q, axes_, a, b,
                                            places, &found);
      *missed += std::count_if(places, places + found, [&](int64_t place) { return place >= skipped; });
      visit(integers + skipped, count - skipped);
    }
  }

  // The range of symbols that costs the fewest bits for these levels and this prediction.
  Choice choose(const Levels& levels, bool lorenzo, double* zeros) const;
  Code code(const BoundQuantiser& q) const;

 private:
  double missed_bits(int64_t missed) const {
    return static_cast<double>(missed) * 8 * static_cast<double>(sizeof(uint16_t) + static_cast<size_t>(dtype_bytes(dtype_)));
  }

  const std::byte* in_;
  DType dtype_;
  int64_t numel_;
  const Axes& axes_;
  int64_t pieces_, apart_;
};

// Bits of a sample: the entropy of `width` symbols from `begin` on, and an escape of 8 + 16 bits for the others; no
// code takes less than a bit a letter.
double cost(std::span<const uint32_t> counts, const Window& window, int width, double total) {
  const double outside = total - static_cast<double>(window.inside);
  double bits = outside * 24 + (outside > 0 ? outside * log2_of(total / outside) : 0.0);
  for (int s = std::max(0, window.begin); s < std::min<int>(window.begin + width, static_cast<int>(counts.size())); ++s) {
    const double n = counts[static_cast<size_t>(s)];
    if (n > 0) bits += n * log2_of(total / n);
  }
  return width == Alphabet::kPairedSymbols ? std::max(bits, total / 2) : std::max(bits, total) * 1.02;
}

Choice Sample::choose(const Levels& levels, bool lorenzo, double* zeros) const {
  std::array<uint32_t, 2 * kReach> counts{};
  Choice best;
  BoundQuantiser& q = best.quantiser;
  q.levels = levels;
  q.lorenzo = lorenzo;
  int64_t missed;
  double total = 0;
  each(q, &missed, [&](const int16_t* integers, int64_t count) {
    for (int64_t i = 0; i < count; ++i)
      ++counts[static_cast<size_t>(std::clamp<int64_t>(integers[i], -kReach, kReach - 1) + kReach)];
    total += static_cast<double>(count);
  });
  if (zeros != nullptr) *zeros = counts[kReach] / total;
  const Window few = best_window(counts, Alphabet::kPairedSymbols), many = best_window(counts, Alphabet::kSingleSymbols);
  const double few_bits = cost(counts, few, Alphabet::kPairedSymbols, total),
               many_bits = cost(counts, many, Alphabet::kSingleSymbols, total);
  q.alphabet.paired = few_bits <= many_bits;
  q.alphabet.base = static_cast<int>((q.alphabet.paired ? few : many).begin - kReach);
  best.bits = std::min(few_bits, many_bits) + missed_bits(missed);
  return best;
}

Code Sample::code(const BoundQuantiser& q) const {
  std::array<uint32_t, kLetters> counts{};
  uint8_t letters[kPiece];
  int64_t missed;
  double total = 0;
  each(q, &missed, [&](const int16_t* integers, int64_t count) {
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

std::optional<BoundFit> fit_bound(const void* in, DType dtype, int64_t numel, const Grid& grid, const BoundAim& aim) {
  const Scale scale = sample_scale(in, dtype, numel);
  if (!scale.any) return std::nullopt;
  auto levels = levels_for(scale, dtype, aim);
  if (!levels) return std::nullopt;
  const Axes axes(grid);
  const Sample sample(in, dtype, numel, axes);
  // With zeros apart their number is level 0's.
  double zeros = 0;
  levels->zeros = true;
  Choice best = sample.choose(*levels, false, &zeros);
  if (zeros <= kManyZeros) {
    levels->zeros = false;
    best = sample.choose(*levels, false, nullptr);
  }
  if (aim.predict != Predict::kNone) {
    const Choice lorenzo = sample.choose(*levels, true, nullptr);
    if (aim.predict == Predict::kLorenzo || lorenzo.bits < best.bits) best = lorenzo;
  }
  BoundFit fit{best.quantiser, sample.code(best.quantiser)};
  if (fit.code.bits_of_value >= static_cast<double>(8 * dtype_bytes(dtype))) return std::nullopt;
  return fit;
}

}  // namespace cinch::codec
