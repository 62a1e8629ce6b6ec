// What measure() leaves for encode().
#pragma once

#include <bit>
#include <cstring>
#include <optional>
#include <type_traits>
#include <utility>

#include "cinch/codec.h"
#include "src/core/mix.h"

namespace cinch::codec {

// Of what a fit depends on beside codec and values: the draws, the grid, and the one number that tells codecs of a
// method apart, should one come to lie where another one was.
inline uint64_t measured_key(uint64_t draws, const std::optional<Grid>& grid, double parameter) noexcept {
  uint64_t key = mix64(draws ^ std::bit_cast<uint64_t>(parameter));
  if (!grid) return key;
  for (const int64_t size : {grid->outer, grid->sides[0], grid->sides[1], grid->sides[2], grid->inner, grid->channels})
    key = mix64(key ^ static_cast<uint64_t>(size));
  return key;
}

// Before anything is measured: what an earlier tensor left is over.
inline void forget_measured(const CodecContext& context) noexcept {
  if (context.measured != nullptr) context.measured->by = nullptr;
}

template <class Fit>
void leave_measured(const CodecContext& context, const Codec* by, const Extent& in, uint64_t key, const Fit& fit) {
  static_assert(std::is_trivially_copyable_v<Fit> && sizeof(Fit) <= sizeof(Measured::found));
  if (context.measured == nullptr) return;
  Measured& m = *context.measured;
  m.by = by;
  m.data = in.data;
  m.numel = in.numel;
  m.dtype = in.dtype;
  m.key = key;
  std::memcpy(m.found.data(), &fit, sizeof fit);
}

// Once. nullopt: there is nothing of these values.
template <class Fit>
std::optional<Fit> take_measured(const CodecContext& context, const Codec* by, const Extent& in, uint64_t key) {
  if (context.measured == nullptr) return std::nullopt;
  Measured& m = *context.measured;
  const void* const left_by = std::exchange(m.by, nullptr);
  if (left_by != by || m.data != in.data || m.numel != in.numel || m.dtype != in.dtype || m.key != key)
    return std::nullopt;
  Fit fit;
  std::memcpy(&fit, m.found.data(), sizeof fit);
  return fit;
}

}  // namespace cinch::codec
