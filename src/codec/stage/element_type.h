// From a dtype to the type that kernels know it by.
#pragma once

#include "cinch/dtype.h"
#include "src/codec/stage/chunk.h"

namespace cinch::codec {

// The tensor's type of values: f(zero of it) for a dtype of is_codable_float.
template <class F>
void with_element_type(DType dtype, F f) {
  switch (dtype) {
    case DType::kFloat32:
      return f(float{});
    case DType::kBFloat16:
      return f(Bf16{});
    default:
      return f(Fp16{});
  }
}

}  // namespace cinch::codec
