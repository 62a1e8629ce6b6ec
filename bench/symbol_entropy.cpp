#include "bench/symbol_entropy.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <unordered_map>

#include "bench/values.h"
#include "src/codec/entropy_coded/channels.h"
#include "src/codec/entropy_coded/error_bound_layout.h"
#include "src/codec/entropy_coded/layout.h"
#include "src/codec/entropy_coded/neighbours.h"
#include "src/codec/entropy_coded/payload.h"
#include "src/codec/entropy_coded/slots.h"
#include "src/codec/stage/rng.h"

namespace cinch::bench {
namespace {

constexpr double kFarthest = 1 << 20;

int32_t level(double steps) {
  return std::abs(steps) < kFarthest ? static_cast<int32_t>(std::lround(steps)) : kNoLevel;
}

// How far above its level's middle a value decodes, in steps: two rows share a draw, a half each (stage/rng.h).
double shift_of(const codec::Quantiser& q, int64_t i) {
  if (!q.dithered) return 0;
  const int64_t place = i % codec::kLetterGroup, row = place / 16, column = place % 16;
  const uint32_t draw = codec::draw(codec::group_key(q.key, i / codec::kLetterGroup), static_cast<uint32_t>(column),
                                    static_cast<uint32_t>(row / 2));
  const auto unit = static_cast<uint32_t>(codec::dither_unit(q.paired));
  const uint32_t fraction = (row % 2 == 0 ? draw : draw >> 16) & (unit - 1);
  return (fraction - (unit - 1) / 2.0) / unit;
}

std::vector<int32_t> symbols_of_dither(std::span<const std::byte> payload, const codec::Header& h, const void* decoded,
                                       int64_t numel, DType dtype) {
  const codec::Quantiser q = codec::get_quantiser(h);
  std::vector<float> deviations;
  if ((h.kind & codec::kByChannel) != 0) {
    codec::Channels channels;
    codec::load_channels("dither", payload.subspan(static_cast<size_t>(codec::chunks_offset(numel))), numel, channels);
    deviations.resize(static_cast<size_t>(numel));
    codec::to_deviations(decoded, dtype, 0, numel, channels, deviations.data());
  }
  std::vector<int32_t> symbols;
  symbols.reserve(static_cast<size_t>(numel));
  for (int64_t i = 0; i < numel; ++i) {
    const double x = deviations.empty() ? read_float(decoded, i, dtype) : deviations[static_cast<size_t>(i)];
    symbols.push_back(x == 0 ? kZeroSymbol : level((x - q.offset) / q.step - shift_of(q, i)));
  }
  return symbols;
}

// Of a chunk; `first` of the tensor's values is its first one.
void to_differences(std::span<int32_t> numbers, int64_t first, const codec::Axis& axis) {
  for (auto i = static_cast<int64_t>(numbers.size()) - 1; i >= axis.stride; --i) {
    if ((first + i) % axis.period < axis.stride) continue;
    const int32_t difference = numbers[static_cast<size_t>(i)] - numbers[static_cast<size_t>(i - axis.stride)];
    numbers[static_cast<size_t>(i)] = static_cast<int16_t>(difference);  // as they wrap in the payload
  }
}

std::vector<int32_t> symbols_of_bound(std::span<const std::byte> payload, const codec::Header& h, const void* decoded,
                                      int64_t numel, DType dtype) {
  Grid grid;
  codec::BoundQuantiser q = codec::get_bound_quantiser("error_bound", h, 15, &grid);
  if (q.dithered) std::memcpy(&q.key, payload.data() + codec::chunks_offset(numel), sizeof q.key);
  const codec::Axes axes(grid);
  std::vector<int32_t> symbols(static_cast<size_t>(numel));
  for (int64_t c = 0; c < codec::chunk_count(numel); ++c) {
    const auto [first, count] = codec::chunk_range(c, numel);
    const codec::Levels levels = codec::quantiser_at(q, first).levels;
    const auto numbers = std::span(symbols).subspan(static_cast<size_t>(first), static_cast<size_t>(count));
    for (int64_t i = 0; i < count; ++i) {
      const double x = read_float(decoded, first + i, dtype);
      const int32_t k = level((x - levels.origin) / levels.step);
      const bool above_zero = levels.zeros && k >= 0 && k != kNoLevel;
      numbers[static_cast<size_t>(i)] = levels.zeros && x == 0 ? 0 : k + (above_zero ? 1 : 0);
    }
    if (!q.lorenzo) continue;
    for (const codec::Axis& axis : axes.all()) to_differences(numbers, first, axis);
  }
  return symbols;
}

}  // namespace

double empirical_entropy_bytes(std::span<const int32_t> symbols) {
  std::unordered_map<int32_t, int64_t> counts;
  for (const int32_t symbol : symbols) ++counts[symbol];
  double bits = 0;
  const auto all = static_cast<double>(symbols.size());
  for (const auto& [symbol, count] : counts) {
    const auto n = static_cast<double>(count);
    bits += n * std::log2(all / n);
  }
  return bits / 8;
}

std::optional<std::vector<int32_t>> symbols_of(std::span<const std::byte> payload, const void* decoded, int64_t numel,
                                               DType dtype) {
  if (payload.size() < sizeof(codec::Header) || numel == 0) return std::nullopt;
  uint32_t magic;
  std::memcpy(&magic, payload.data(), sizeof magic);
  if (magic == codec::kEntropyMagic) {
    const codec::Header h = codec::read_header(payload, magic, "dither", numel, dtype);
    return codec::in_slots(h) ? std::nullopt : std::optional(symbols_of_dither(payload, h, decoded, numel, dtype));
  }
  if (magic == codec::kBoundMagic) {
    const codec::Header h = codec::read_header(payload, magic, "error_bound", numel, dtype);
    return codec::in_slots(h) ? std::nullopt : std::optional(symbols_of_bound(payload, h, decoded, numel, dtype));
  }
  return std::nullopt;
}

}  // namespace cinch::bench
