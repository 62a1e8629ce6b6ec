/// What a backward reads of a saved tensor. The catalogue (docs/catalogue.md) gives one for each op and slot. No torch.
/// Plain values without owners; the functions are pure, and any thread may call them. Names are static text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace cinch {

/// Ordered from what may be dropped to what must be kept; see shared words in docs/concepts.md.
enum class Need : uint8_t {
  kShape,      ///< only sizes, strides, dtype
  kMask,       ///< one predicate of each value
  kBool,       ///< booleans, exact
  kInteger,    ///< integers, exact
  kLinear,     ///< values; the gradient is linear in them
  kNonlinear,  ///< values; the gradient is not linear in them
  kExact,      ///< small values on which everything depends; full precision
  kOpaque,     ///< bytes that only the backward understands
  kParameter,  ///< shares a parameter's storage; passed through
};

std::string_view to_string(Need need) noexcept;
/// Throws Error for an unknown name.
Need need_from_string(std::string_view name);
/// True for needs that a lossy codec may serve.
constexpr bool is_value(Need n) noexcept { return n == Need::kLinear || n == Need::kNonlinear; }

/// A predicate of single values: what a `mask` keeps. Bounds are the op's own arguments, as float64. The joint ones
/// compare each value with its partner in another tensor that the same op saved; one plane answers for both.
enum class PredicateKind : uint8_t {
  kNone,
  kGreater,         ///< x > lo
  kGreaterEqual,    ///< x >= lo
  kLess,            ///< x < hi
  kLessEqual,       ///< x <= hi
  kOpenInterval,    ///< lo < x < hi
  kClosedInterval,  ///< lo <= x <= hi
  kAbsGreater,      ///< |x| > lo
  kSign,            ///< sign of x: three values
  kTwoValued,       ///< which of two constants, both found in the data; encode declines when there is a third
  kJointEqual,      ///< x == its partner; nan_on: two NaN are equal
  kJointSign,       ///< sign of x - its partner: three values, and a fourth where one of the two is NaN
  kJointAbsEqual,   ///< |x| == its partner, or x is NaN; and the sign of x
};
/// Of two tensors: what such a predicate wants is no answer of one of them alone.
constexpr bool is_joint(PredicateKind kind) noexcept { return kind >= PredicateKind::kJointEqual; }

struct Predicate {
  PredicateKind kind = PredicateKind::kNone;
  double lo = 0.0;      ///< in the values' own unit; read by the kinds above that name it
  double hi = 0.0;      ///< likewise
  bool nan_on = false;  ///< what the backward gives where the value is NaN: true, the gradient passes
  bool operator==(const Predicate&) const = default;
};

std::string_view to_string(PredicateKind kind) noexcept;
/// Throws Error for an unknown name.
PredicateKind predicate_from_string(std::string_view name);

}  // namespace cinch
