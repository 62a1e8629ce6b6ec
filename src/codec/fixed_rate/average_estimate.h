// The error of group_quant with average_bits, from statistics: its allotment over sixteenths of the groups.
#pragma once

#include "cinch/codec.h"

namespace cinch::codec {

// Mean square error of a value; `average_bits` as they are allotted (units over groups).
double average_bits_error(const TensorStats& stats, double average_bits, bool nearest, DType dtype) noexcept;

}  // namespace cinch::codec
