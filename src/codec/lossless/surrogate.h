// Stand-ins for masked values: numbers of the dtype that answer a predicate the same way.
#pragma once

#include <cstdint>
#include <optional>

#include "cinch/dtype.h"
#include "cinch/need.h"
#include "src/codec/stage/plane_kernels.h"

namespace cinch::codec {

// The answer for one value; `single`: bounds and value compared as float32, which is what all but float64 do.
bool holds(const Predicate& predicate, double value, bool single) noexcept;

// Bit pattern of `value` rounded to a float dtype, and back.
uint64_t pattern_of(double value, DType dtype) noexcept;
double value_of(uint64_t pattern, DType dtype) noexcept;

// Patterns for off, on and (kSign) negative. nullopt: no number of this dtype answers one of the two ways, or answers
// it the same way for exact, float32 and rounded bounds.
std::optional<Choice> surrogates(const Predicate& predicate, DType dtype) noexcept;

}  // namespace cinch::codec
