// The table of methods as data: names, parameters, what they promise. The planner reads it to check budgets, the codec
// room to make codecs; neither knows the other.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <variant>

#include "cinch/codec_spec.h"

namespace cinch {

// Allowed values from `min` to `max`, both included.
template <class T>
struct Between {
  T min, max;
};
using IntegerRange = Between<int64_t>;
using Range = Between<double>;

// A parameter of a method. Its type is the alternative of `fallback`; what is allowed of an integer, a real number or a
// text is listed, or a range. A real number may be written as an integer.
struct ParamInfo {
  std::string_view name;
  std::variant<bool, int64_t, double, std::string_view> fallback;
  std::span<const int64_t> integers;        // of an integer without a range
  std::span<const std::string_view> texts;  // of a text
  std::string_view description;
  std::optional<IntegerRange> integer_range = {};  // of an integer, instead of `integers`
  // Of a real number, which must have one. A fallback outside of it is allowed too, and stands for "off".
  std::optional<Range> numbers = {};
  // A parameter that this one takes the place of unless it has its fallback: then that one must have its own.
  std::string_view instead_of = {};
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

// Checks a spec against this row instead of the table's; see normalise() in codec_spec.h.
CodecSpec normalise(const CodecSpec& spec, const MethodInfo& method);

// "keep, shape, ..." for messages.
std::string method_names();

}  // namespace cinch
