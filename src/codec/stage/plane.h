// A section of one bit a value: sizes, and loops over threads that take care of the short last word.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "src/backend/cpu/streaming.h"
#include "src/codec/stage/header.h"
#include "src/codec/stage/parallel.h"
#include "src/codec/stage/plane_kernels.h"
#include "src/core/checked.h"

namespace cinch::codec {

constexpr int64_t plane_words(int64_t numel) noexcept { return ceil_div(numel, kWord); }
constexpr int64_t plane_bytes(int64_t numel) noexcept { return plane_words(numel) * 8; }

constexpr int64_t kPlaneGrain = 1024;  // words a thread takes at least

// kernel(values, words, plane) -> bool makes whole words. Bits beyond numel are zero. False as soon as a part says
// false.
template <class Kernel>
bool write_plane(const CodecContext& context, const void* in, int64_t numel, int64_t width, uint64_t* plane,
                 Kernel&& kernel) {
  const auto* bytes = static_cast<const std::byte*>(in);
  const int64_t whole = numel / kWord, rest = numel % kWord;
  const bool ok = parallel_all(context, whole, kPlaneGrain, [&](int64_t begin, int64_t end) {
    return kernel(bytes + begin * kWord * width, end - begin, plane + begin);
  });
  if (!ok || rest == 0) return ok;
  // Filled up with the first value, so that nothing new appears.
  alignas(64) std::byte tail[kWord * 8];
  std::memcpy(tail, bytes + whole * kWord * width, static_cast<size_t>(rest * width));
  for (int64_t i = rest; i < kWord; ++i) std::memcpy(tail + i * width, tail, static_cast<size_t>(width));
  uint64_t word = 0;
  if (!kernel(tail, int64_t{1}, &word)) return false;
  word &= (uint64_t{1} << rest) - 1;
  std::memcpy(plane + whole, &word, 8);
  return true;
}

// Inverse: `numel` patterns of `width` bytes chosen by one or two planes.
inline void read_plane(const CodecContext& context, const uint64_t* plane, const uint64_t* second, int64_t numel,
                       int64_t width, const Choice& choice, void* out) {
  auto* bytes = static_cast<std::byte*>(out);
  const int64_t whole = numel / kWord, rest = numel % kWord;
  const bool stream = backend::streams_out(out, numel * width);
  parallel_for(context, whole, kPlaneGrain, [&](int64_t begin, int64_t end) {
    choose(plane + begin, second != nullptr ? second + begin : nullptr, end - begin, width, choice,
           bytes + begin * kWord * width, stream);
  });
  if (rest == 0) return;
  alignas(64) std::byte tail[kWord * 8];
  choose(plane + whole, second != nullptr ? second + whole : nullptr, 1, width, choice, tail, false);
  std::memcpy(bytes + whole * kWord * width, tail, static_cast<size_t>(rest * width));
}

}  // namespace cinch::codec
