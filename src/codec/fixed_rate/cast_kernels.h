// Kernels of cast, dispatched to the machine's instruction set. Every set gives the same bytes.
#pragma once

#include <cstdint>

#include "cinch/dtype.h"

namespace cinch::codec {

enum class Narrow : uint8_t { kBFloat16, kFloat16, kE4M3, kE5M2 };
constexpr int64_t narrow_bytes(Narrow type) noexcept { return type <= Narrow::kFloat16 ? 2 : 1; }

// `count` values of `dtype` to the narrower type, and back. Any value can be cast.
void cast_down(const void* in, DType dtype, Narrow to, int64_t count, void* out);
void cast_up(const void* in, Narrow from, DType dtype, int64_t count, void* out);

}  // namespace cinch::codec
