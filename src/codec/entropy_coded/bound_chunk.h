// One chunk of error_bound: levels, their differences from neighbours in the chunk, letters. What no letter holds is
// stored as its integer; behind those, places and values of what no level holds within the bound.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "src/codec/entropy_coded/chunk.h"
#include "src/codec/entropy_coded/levels.h"
#include "src/codec/entropy_coded/neighbours.h"

namespace cinch::codec {

struct BoundQuantiser {
  Levels levels;
  Alphabet alphabet{.raw_bytes = sizeof(int16_t)};
  bool lorenzo = false;
};

// Levels of `count` values, and from them what letters hold. `a` and `b` have room for kLevelSlack more than count, and
// for whole groups, which are filled up. Returns the buffer with the result; `missed` as of values_to_levels.
int16_t* to_integers(const void* in, DType dtype, int64_t count, int64_t first, const BoundQuantiser& q,
                     const Axes& axes, int16_t* a, int16_t* b, uint16_t* missed, int64_t* missed_count) noexcept;

// `first`: of the tensor's values, the chunk's first one. Otherwise as of encode_chunk and decode_chunk.
int64_t encode_bound_chunk(const void* in, DType dtype, int64_t numel, int64_t first, const BoundQuantiser& quantiser,
                           const Axes& axes, const CodeTable& table, std::byte* out) noexcept;

// `stream`: write past the caches.
bool decode_bound_chunk(std::span<const std::byte> chunk, const std::byte* limit, int64_t numel, int64_t first,
                        const BoundQuantiser& quantiser, const Axes& axes, const DecodeTable& table, DType dtype,
                        void* out, bool stream) noexcept;

}  // namespace cinch::codec
