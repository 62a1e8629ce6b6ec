// Loops of `int` over one part of a tensor, for every integer type. A part starts at a multiple of 64 values.
#pragma once

#include <cstdint>

#include "cinch/dtype.h"
#include "src/codec/lossless/pool_windows.h"

namespace cinch::codec {

struct IntRange {
  int64_t min = 0, max = 0;
  bool empty = true;
};

IntRange range_of_ints(const void* in, int64_t numel, DType dtype) noexcept;

// Values minus `base` in `width` bits.
void narrow(const void* in, int64_t numel, DType dtype, int64_t base, int width, uint64_t* words) noexcept;
void widen(const uint64_t* words, int64_t numel, DType dtype, int64_t base, int width, void* out) noexcept;

// Window offsets in `width` bits; `first` is the index of in[0] in its tensor, `words` may be null: only checked.
// False: an index is not reproduced exactly.
bool to_offsets(const void* in, int64_t first, int64_t numel, DType dtype, const PoolGeometry& pool,
                const PoolTable& table, int width, uint64_t* words) noexcept;
// False: an offset is beyond its window (damaged payload).
bool from_offsets(const uint64_t* words, int64_t first, int64_t numel, DType dtype, const PoolGeometry& pool,
                  const PoolTable& table, int width, void* out) noexcept;

}  // namespace cinch::codec
