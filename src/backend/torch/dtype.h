// Between torch's element types and cinch's.
#pragma once

#include <c10/core/ScalarType.h>

#include "cinch/dtype.h"
#include "cinch/error.h"

namespace cinch::backend {

constexpr DType to_dtype(c10::ScalarType type) noexcept {
  switch (type) {
    case c10::kFloat:
      return DType::kFloat32;
    case c10::kBFloat16:
      return DType::kBFloat16;
    case c10::kHalf:
      return DType::kFloat16;
    case c10::kDouble:
      return DType::kFloat64;
    case c10::kBool:
      return DType::kBool;
    case c10::kByte:
      return DType::kUInt8;
    case c10::kChar:
      return DType::kInt8;
    case c10::kShort:
      return DType::kInt16;
    case c10::kInt:
      return DType::kInt32;
    case c10::kLong:
      return DType::kInt64;
    default:
      return DType::kOther;
  }
}

// Throws Error for kOther, which stands for many types.
inline c10::ScalarType to_scalar_type(DType dtype) {
  switch (dtype) {
    case DType::kFloat32:
      return c10::kFloat;
    case DType::kBFloat16:
      return c10::kBFloat16;
    case DType::kFloat16:
      return c10::kHalf;
    case DType::kFloat64:
      return c10::kDouble;
    case DType::kBool:
      return c10::kBool;
    case DType::kUInt8:
      return c10::kByte;
    case DType::kInt8:
      return c10::kChar;
    case DType::kInt16:
      return c10::kShort;
    case DType::kInt32:
      return c10::kInt;
    case DType::kInt64:
      return c10::kLong;
    case DType::kOther:
      break;
  }
  throw Error(
      "The element type 'other' stands for many of torch's types; only types that cinch knows can be converted.");
}

}  // namespace cinch::backend
