#include "src/codec/entropy_coded/bound_fit.h"

#include <algorithm>
#include <cmath>

#include "src/codec/entropy_coded/symbols.h"
#include "src/core/mix.h"

namespace cinch::codec {
namespace {

struct Choice {
  BoundQuantiser quantiser;
  double bits_of_value = 0;
};

class Sample {
 public:
  Sample(const void* in, DType dtype, int64_t numel, const Axes& axes, bool lorenzo)
      : in_(static_cast<const std::byte*>(in)),
        dtype_(dtype),
        axes_(axes),
        pieces_(PieceSample::of(numel, axes, lorenzo)) {}

  // visit(integers, count) of each `stride`-th piece; the number of missed values goes to `missed`.
  template <class Visit>
  void each(const BoundQuantiser& q, int64_t stride, int64_t* missed, Visit&& visit) const {
    *missed = 0;
    for (int64_t p = 0; p < pieces_.pieces; p += stride) {
      const auto [begin, skipped, count] = pieces_.piece(p);
      const int64_t first = skipped;  // lambdas of C++20 capture no structured binding
      const BoundQuantiser here = quantiser_at(q, begin);
      BoundIntegers integers(in_ + begin * dtype_bytes(dtype_), dtype_, count, begin, here, axes_);
      integers.add(0, ceil_div(count, kLetterGroup));
      const auto places = integers.missed();
      *missed += std::count_if(places.begin(), places.end(), [&](int64_t place) { return place >= first; });
      visit(integers.data() + skipped, count - skipped);
    }
  }

  // Share of exact zeros, of levels that keep them apart.
  double zeros(const Levels& levels) const;
  // The range of symbols that costs the fewest bits; the alphabet given says nothing.
  Choice choose(const BoundQuantiser& given) const;
  Code code(const BoundQuantiser& q) const;

 private:
  const std::byte* in_;
  DType dtype_;
  const Axes& axes_;
  PieceSample pieces_;
};

// Of the symbols of a window.
double cost(std::span<const uint32_t> counts, const Window& window, int width, double total) {
  double bits = outside_bits(total, static_cast<double>(window.inside));
  for (int s = std::max(0, window.begin); s < std::min<int>(window.begin + width, static_cast<int>(counts.size())); ++s)
    bits += symbol_bits(counts[static_cast<size_t>(s)], total);
  return window_bits(bits, width, total);
}

double Sample::zeros(const Levels& levels) const {
  BoundQuantiser q;
  q.levels = levels;
  int64_t missed, zeros = 0, total = 0;
  each(q, pieces_.few, &missed, [&](const int16_t* numbers, int64_t count) {
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
  each(q, pieces_.few, &missed, [&](const int16_t* integers, int64_t count) {
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
  best.bits_of_value = (std::min(few_bits, many_bits) + missed_bits(missed, dtype_)) / total;
  return best;
}

Code Sample::code(const BoundQuantiser& q) const {
  std::array<uint32_t, kLetters> counts{};
  uint8_t letters[PieceSample::kMostCounted];
  int64_t missed;
  double total = 0;
  each(q, 1, &missed, [&](const int16_t* integers, int64_t count) {
    const int64_t groups = ceil_div(count, kLetterGroup);
    integers_to_letters(integers, groups, q.alphabet, letters);
    for (int64_t i = 0; i < groups * q.alphabet.letters_of_group(); ++i) ++counts[letters[i]];
    total += static_cast<double>(count);
  });
  Code code = code_of(counts, q.alphabet);
  code.bits_of_value += missed_bits(missed, dtype_) / total;
  return code;
}

}  // namespace

std::optional<BoundFit> fit_bound(const Extent& in, const Grid& grid, const BoundAim& aim, uint64_t key,
                                  const CodecContext& context) {
  const DType dtype = in.dtype;
  const Scale scale = sample_scale(in, context);
  if (!scale.any) return std::nullopt;
  BoundQuantiser q;
  if (!set_levels(scale, dtype, aim, true, q.levels)) return std::nullopt;
  const Axes axes(grid);
  const Sample sample(in.data, dtype, in.numel, axes, aim.predict != Predict::kNone);
  if (sample.zeros(q.levels) < kManyZeros) set_levels(scale, dtype, aim, false, q.levels);
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
