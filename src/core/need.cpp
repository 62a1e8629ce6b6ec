#include "cinch/need.h"

#include <array>
#include <string>

#include "cinch/error.h"

namespace cinch {
namespace {

// Both indexed by their enum.
constexpr std::array<std::string_view, 9> kNeeds{"shape",     "mask",  "bool",   "integer",  "linear",
                                                 "nonlinear", "exact", "opaque", "parameter"};
static_assert(kNeeds.size() == static_cast<size_t>(Need::kParameter) + 1);
constexpr std::array<std::string_view, 13> kPredicates{
    "none",        "greater", "greater_equal", "less",        "less_equal", "open_interval",  "closed_interval",
    "abs_greater", "sign",    "two_valued",    "joint_equal", "joint_sign", "joint_abs_equal"};
static_assert(kPredicates.size() == static_cast<size_t>(PredicateKind::kJointAbsEqual) + 1);

template <size_t N>
size_t index_of(const std::array<std::string_view, N>& names, std::string_view name, const char* what) {
  std::string allowed;
  for (size_t i = 0; i < N; ++i) {
    if (names[i] == name) return i;
    allowed += (i ? ", " : "") + std::string(names[i]);
  }
  throw Error("unknown " + std::string(what) + " \"" + std::string(name) + "\": one of " + allowed + " is expected");
}

}  // namespace

std::string_view to_string(Need need) noexcept {
  const auto i = static_cast<size_t>(need);
  return i < kNeeds.size() ? kNeeds[i] : "invalid";
}

Need need_from_string(std::string_view name) { return static_cast<Need>(index_of(kNeeds, name, "need")); }

std::string_view to_string(PredicateKind kind) noexcept {
  const auto i = static_cast<size_t>(kind);
  return i < kPredicates.size() ? kPredicates[i] : "invalid";
}

PredicateKind predicate_from_string(std::string_view name) {
  return static_cast<PredicateKind>(index_of(kPredicates, name, "predicate"));
}

}  // namespace cinch
