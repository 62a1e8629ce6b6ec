// Turns a fuzzer's bytes into a call of encode: values, grid, pooling, predicate.
#pragma once

#include "tests/fuzz/guarded.h"
#include "tests/fuzz/input.h"

namespace cinch::fuzz {

// Behind the head of encode's inputs.
struct Shape {
  uint8_t predicate, grid, pool, values;  // which kind of each
  uint32_t seed;
  double lo, hi;  // of the predicate
};

enum GridKind : uint8_t { kNoGrid, kFactors, kAnyGrid, kGridKinds };
enum PoolKind : uint8_t { kNoPool, kWindows, kAnyPool, kPoolKinds };
enum ValueKind : uint8_t { kBits, kSmallNumbers, kNoisy, kSpecials, kValueKinds };

// Reads the grid and sets `numel` to what it holds, where it is one of few enough values.
SideInfo take_side(Input& input, const Shape& shape, int64_t& numel);

// `numel` values from what is left, again and again.
void fill_values(const Input& input, const Shape& shape, DType dtype, int64_t numel, const Guarded& to);

}  // namespace cinch::fuzz
