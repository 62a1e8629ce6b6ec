#include "src/codec/entropy_coded/fit.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <mutex>

#include "src/codec/entropy_coded/sample.h"
#include "src/codec/stage/parallel.h"

namespace cinch::codec {
namespace {

// Whole groups at `in`; a tensor shorter than one is repeated in `room`, which changes neither moments nor frequencies
// by much.
struct Groups {
  const std::byte* data;
  int64_t count;
};
Groups groups_of(const void* in, DType dtype, int64_t numel, std::byte* room) noexcept {
  const auto* data = static_cast<const std::byte*>(in);
  if (numel >= kLetterGroup) return {data, whole_groups(numel)};
  const int64_t width = dtype_bytes(dtype);
  for (int64_t i = 0; i < kLetterGroup; ++i)
    std::memcpy(room + i * width, data + i % numel * width, static_cast<size_t>(width));
  return {room, 1};
}

// So many groups are worth a thread. Of fewer values than that torch takes no threads either, which a forked child does
// not have.
constexpr int64_t kPartsOfThread = 128;

Moments sample_moments(const Groups& groups, DType dtype, float origin, const CodecContext& context) {
  const GroupSample sample = scale_sample(groups.count);
  const int64_t used = std::min<int64_t>(sample.count, kMomentParts);
  PartSums parts[kMomentParts];
  Moments all;
  std::mutex mutex;
  parallel_for(context, used, kPartsOfThread, [&](int64_t begin, int64_t end) {
    const Moments some = moments_of_parts(groups.data, dtype, sample, origin, begin, end, parts);
    if (some.count == 0) return;
    const std::lock_guard lock(mutex);
    all.min = all.count == 0 ? some.min : std::min(all.min, some.min);
    all.max = all.count == 0 ? some.max : std::max(all.max, some.max);
    all.count += some.count;
  });
  // Adding parts that nothing was added to would change nothing.
  add_halves(parts, static_cast<int>(std::bit_ceil(static_cast<uint64_t>(used))));
  all.sum = parts[0].sum;
  all.squares = parts[0].squares;
  return all;
}

using Counts = std::array<uint32_t, kLetters>;

Counts sample_letters(const Groups& groups, int64_t least, DType dtype, const Quantiser& q, const Channels* channels) {
  Counts counts{};
  uint8_t letters[kLetterGroup];
  const GroupSample sample = letter_sample(groups.count, least);
  for_sampled_groups(sample.groups, sample.stride, [&](int64_t group) {
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

Code code_of(std::span<const uint32_t, kLetters> counts, const Alphabet& alphabet) noexcept {
  Counts kept{};
  uint64_t alone = 0;
  for (size_t i = 0; i < kLetters; ++i) {
    if (has_code(counts[i], static_cast<uint8_t>(i), alphabet))
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

Scale sample_scale(const Extent& in, const CodecContext& context) {
  alignas(64) std::byte room[kLetterGroup * 4];
  const Groups groups = groups_of(in.data, in.dtype, in.numel, room);
  PartSums unused;
  const Moments first = moments_of_parts(groups.data, in.dtype, GroupSample::of(1, 1), 0.0f, 0, 1, &unused);
  const float origin = origin_of(first.count > 0, first.min, first.max);
  return scale_of(sample_moments(groups, in.dtype, origin, context), origin);
}

Fit fit_code(const void* in, DType dtype, int64_t numel, const Quantiser& given, const Scale& scale,
             const Channels* channels) {
  alignas(64) std::byte room[kLetterGroup * 4];
  const Groups groups = groups_of(in, dtype, numel, room);
  Fit fit;
  Quantiser& q = fit.quantiser;
  q = given;
  set_wide_range(scale, q);
  if (scale.sigma != 0) {
    const Counts counts = sample_letters(groups, kWindowGroups, dtype, q, channels);
    const std::span symbols(counts.data(), static_cast<size_t>(q.symbols()));
    const Window window = best_window(symbols, Alphabet::kPairedSymbols);
    uint64_t all = 0;
    for (const uint32_t n : counts) all += n;
    set_range(window.begin, window.inside + counts[static_cast<size_t>(q.zero_symbol())], all, q);
  }
  fit.code = code_of(sample_letters(groups, kCodeGroups, dtype, q, channels), q);
  return fit;
}

}  // namespace cinch::codec
