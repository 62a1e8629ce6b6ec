// The table of methods as data: names, parameters, what they promise. The planner reads it to check budgets, the codec
// room to make codecs; neither knows the other.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <variant>

#include "cinch/codec_spec.h"

namespace cinch {

// A parameter of a method. Integers and texts are limited to what is listed.
struct ParamInfo {
  std::string_view name;
  std::variant<int64_t, std::string_view> fallback;  // its alternative is the parameter's type
  std::span<const int64_t> integers;                 // allowed, when an integer
  std::span<const std::string_view> texts;           // allowed, when a text
  std::string_view description;
};

struct MethodInfo {
  std::string_view name;
  bool lossless;
  std::string_view error_class;  // "exact", "bounded" or "unbiased", with the default parameters
  std::string_view description;
  std::string_view source;  // paper, or "cinch"
  std::span<const ParamInfo> params;
};

std::span<const MethodInfo> methods() noexcept;

// nullptr for an unknown name.
const MethodInfo* find_method(std::string_view name) noexcept;

// "keep, shape, ..." for messages.
std::string method_names();

}  // namespace cinch
