/// Element types that cinch knows, without torch. Plain data: no owner, nothing throws, any thread. Names are static
/// text, those of torch without its prefix.
#pragma once

#include <cstdint>
#include <string_view>

namespace cinch {

/// Element type of a tensor. kOther covers everything that cinch only ever passes through (complex, quantised, ...).
enum class DType : uint8_t {
  kFloat32,
  kBFloat16,
  kFloat16,
  kFloat64,
  kBool,
  kUInt8,
  kInt8,
  kInt16,
  kInt32,
  kInt64,
  kOther
};

/// Bytes per element; 0 for kOther.
int64_t dtype_bytes(DType dtype) noexcept;
/// "float32", "bfloat16", ..., "other".
std::string_view to_string(DType dtype) noexcept;
/// Inverse of to_string; kOther for an unknown name.
DType dtype_from_string(std::string_view name) noexcept;
/// float32, bfloat16 or float16: what lossy codecs accept.
constexpr bool is_codable_float(DType d) noexcept {
  return d == DType::kFloat32 || d == DType::kBFloat16 || d == DType::kFloat16;
}
/// uint8 to int64; not bool.
constexpr bool is_integer(DType d) noexcept { return d >= DType::kUInt8 && d <= DType::kInt64; }

}  // namespace cinch
