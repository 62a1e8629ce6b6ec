#include "src/codec/entropy_coded/fit.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "src/codec/entropy_coded/sample.h"
#include "src/core/checked.h"

namespace cinch::codec {
namespace {

constexpr int64_t kScaleGroups = 256, kScaleShare = 16;  // at least so many groups, and one in so many
constexpr int64_t kWindowGroups = 16, kCodeGroups = 128, kCodeShare = 64;
// More values than this outside of 14 symbols, and a raw value's 32 bits cost more than symbols of 8 bits do.
constexpr double kMostOutside = 0.004;

int64_t stride_of(int64_t groups, int64_t least, int64_t share) noexcept {
  return std::max<int64_t>(1, std::min(share, groups / least));
}

// Whole groups at `in`; a tensor shorter than one is repeated in `room`, which changes neither moments nor frequencies
// by much.
struct Groups {
  const std::byte* data;
  int64_t count;
};
Groups groups_of(const void* in, DType dtype, int64_t numel, std::byte* room) noexcept {
  const auto* data = static_cast<const std::byte*>(in);
  if (numel >= kLetterGroup) return {data, numel / kLetterGroup};
  const int64_t width = dtype_bytes(dtype);
  for (int64_t i = 0; i < kLetterGroup; ++i)
    std::memcpy(room + i * width, data + i % numel * width, static_cast<size_t>(width));
  return {room, 1};
}

using Counts = std::array<uint32_t, kLetters>;

Counts sample_letters(const Groups& groups, int64_t least, DType dtype, const Quantiser& q, const Channels* channels) {
  Counts counts{};
  uint8_t letters[kLetterGroup];
  const int64_t stride = std::max<int64_t>(1, std::min(kCodeShare * kCodeGroups / least, groups.count / least));
  for_sampled_groups(groups.count, stride, [&](int64_t group) {
    const std::byte* values = groups.data + group * kLetterGroup * dtype_bytes(dtype);
    if (channels != nullptr) {
      alignas(64) float deviations[kLetterGroup];
      to_deviations(values, dtype, group * kLetterGroup, kLetterGroup, *channels, deviations);
      values_to_letters(deviations, DType::kFloat32, 1, group, q, letters);
    } else {
      values_to_letters(values, dtype, 1, group, q, letters);
    }
    for (int64_t i = 0; i < q.letters_of_group(); ++i) ++counts[letters[i]];
  });
  return counts;
}

}  // namespace

Window best_window(std::span<const uint32_t> counts, int width) noexcept {
  uint64_t inside = 0, best = 0;
  size_t first = 0, last = 0;  // where windows that are best end; their middle leaves room on both sides
  const auto w = static_cast<size_t>(width);
  for (size_t s = 0; s < counts.size(); ++s) {
    inside += counts[s];
    if (s >= w) inside -= counts[s - w];
    if (inside > best) best = inside, first = s;
    if (inside == best) last = s;
  }
  return {static_cast<int>((first + last) / 2) - width + 1, best};
}

// A letter seen once is as likely as not to be one of many such: they share a code, and so do those not seen at all
// (Good and Turing).
Code code_of(std::span<const uint32_t, kLetters> counts, const Alphabet& alphabet) noexcept {
  Counts kept{};
  uint64_t alone = 0;
  for (size_t i = 0; i < kLetters; ++i) {
    if (counts[i] > 1 && !alphabet.holds_raw(static_cast<uint8_t>(i)))
      kept[i] = counts[i];
    else
      alone += counts[i];
  }
  kept[alphabet.literal()] = static_cast<uint32_t>(std::max<uint64_t>(1, alone));
  Code code;
  code.lengths = code_lengths(kept);
  uint64_t bits = 0, letters = 0;
  for (size_t i = 0; i < kLetters; ++i) {
    const auto letter = static_cast<uint8_t>(i);
    const bool coded = kept[i] > 0 && letter != alphabet.literal();
    const uint64_t raw_bits = 8 * static_cast<uint64_t>(alphabet.raw_bytes) * alphabet.raws_in(letter);
    letters += counts[i];
    bits += counts[i] * (coded ? uint64_t{code.lengths[i]} : code.lengths[alphabet.literal()] + 8 + raw_bits);
  }
  code.bits_of_value = static_cast<double>(bits) / static_cast<double>(letters) / (alphabet.paired ? 2 : 1);
  return code;
}

Scale sample_scale(const void* in, DType dtype, int64_t numel) {
  alignas(64) std::byte room[kLetterGroup * 4];
  const Groups groups = groups_of(in, dtype, numel, room);
  const int64_t stride = stride_of(groups.count, kScaleGroups, kScaleShare);
  // About a value of its own: a large mean must not drown the variance.
  const Moments first = moments_of(groups.data, dtype, 1, 1, 0.0f);
  const float origin = first.count > 0 ? first.min / 2 + first.max / 2 : 0.0f;
  const Moments m = moments_of(groups.data, dtype, groups.count, stride, origin);
  Scale scale;
  if (m.count == 0) return scale;
  const auto n = static_cast<double>(m.count);
  const double mean = m.sum / n;
  scale.any = true;
  scale.low = m.min;
  scale.high = m.max;
  scale.mean = static_cast<double>(origin) + mean;
  if (m.min == m.max) scale.mean = static_cast<double>(m.min);
  if (m.min < m.max) scale.sigma = std::sqrt(std::max(0.0, m.squares / n - mean * mean));
  return scale;
}

Fit fit_code(const void* in, DType dtype, int64_t numel, const Quantiser& given, const Scale& scale,
             const Channels* channels) {
  alignas(64) std::byte room[kLetterGroup * 4];
  const Groups groups = groups_of(in, dtype, numel, room);
  Fit fit;
  Quantiser& q = fit.quantiser;
  q = given;
  if (scale.sigma == 0) {
    // Symbol 0 is the offset itself, exactly.
    q.paired = true;
    q.base = 0;
  } else {
    q.paired = false;
    q.base =
        static_cast<int>(std::floor((scale.mean - static_cast<double>(q.offset)) / static_cast<double>(q.step))) - 126;
    const Counts counts = sample_letters(groups, kWindowGroups, dtype, q, channels);
    const std::span symbols(counts.data(), static_cast<size_t>(q.symbols()));
    const Window window = best_window(symbols, Alphabet::kPairedSymbols);
    uint64_t all = 0;
    for (const uint32_t n : counts) all += n;
    const uint64_t outside = all - window.inside - counts[static_cast<size_t>(q.zero_symbol())];
    q.paired = static_cast<double>(outside) <= kMostOutside * static_cast<double>(all);
    if (q.paired) q.base += window.begin;
  }
  fit.code = code_of(sample_letters(groups, kCodeGroups, dtype, q, channels), q);
  return fit;
}

}  // namespace cinch::codec
