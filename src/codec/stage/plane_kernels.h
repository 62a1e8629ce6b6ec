// Bit planes: one bit a value, value i at bit i % 64 of word i / 64. Dispatched to the machine's instruction set.
// `words` counts whole words: callers pad a short tail.
#pragma once

#include <cstdint>

#include "cinch/dtype.h"
#include "cinch/need.h"

namespace cinch::codec {

constexpr int64_t kWord = 64;

// Where predicate holds, compared in float32 (float64 for float64), NaN as predicate.nan_on says. For kSign: x > 0.
void predicate_plane(const void* in, int64_t words, DType dtype, const Predicate& predicate, uint64_t* plane);
// x < 0, for the second plane of kSign.
void negative_plane(const void* in, int64_t words, DType dtype, uint64_t* plane);
// Where the pattern of `width` bytes is `on`. False when one is neither `on` nor `off`.
bool pattern_plane(const void* in, int64_t words, int64_t width, uint64_t off, uint64_t on, uint64_t* plane);
// Where a byte is not zero.
void nonzero_plane(const void* in, int64_t words, uint64_t* plane);

// Patterns that a plane chooses between; `second` wins where its own plane has a bit.
struct Choice {
  uint64_t off = 0, on = 0, second = 0;
};
// Writes 64 * words patterns of `width` bytes. `second_plane` may be null. `stream`: past the caches, out 64-byte
// aligned.
void choose(const uint64_t* plane, const uint64_t* second_plane, int64_t words, int64_t width, const Choice& choice,
            void* out, bool stream);

}  // namespace cinch::codec
