#include "hooks/catalogue/variants.h"

#include <cmath>
#include <string_view>

#include "hooks/catalogue/cast.h"

namespace cinch::hooks {
namespace {

const c10::IValue* argument(const Call& call, const char* name) {
  for (size_t i = 0; i < call.op.arguments.size() && i < call.inputs.size(); ++i)
    if (call.op.arguments[i] == name) return &call.inputs[i];
  return nullptr;
}

bool absent(const c10::IValue& value) { return value.isNone() || (value.isTensor() && !value.toTensor().defined()); }

std::optional<double> as_number(const c10::IValue& value) {
  if (value.isDouble()) return value.toDouble();
  if (value.isInt()) return static_cast<double>(value.toInt());
  if (value.isBool()) return value.toBool() ? 1.0 : 0.0;
  return std::nullopt;
}

bool dtype_is(const at::Tensor& tensor, std::string_view kind) {
  const auto type = tensor.scalar_type();
  if (kind == "bool") return type == at::kBool;
  if (kind == "integral") return c10::isIntegralType(type, /*includeBool=*/false);
  return kind == "floating" && c10::isFloatingType(type);
}

bool holds(const Call& call, const Condition& condition) {
  const std::string_view text = condition.text != nullptr ? condition.text : "";
  switch (condition.kind) {
    case ConditionKind::kDtype:
      return dtype_is(call.saved, text);
    case ConditionKind::kDevice:
      return call.saved.is_cpu() ? text == "cpu" : (call.saved.is_cuda() && text == "cuda");
    case ConditionKind::kInside:
      return call.parent != nullptr && call.parent->name.find(text) != std::string::npos;
    default:
      break;
  }
  const c10::IValue* const value = argument(call, condition.name);
  if (value == nullptr) return false;
  switch (condition.kind) {
    case ConditionKind::kNumber:
      return as_number(*value) == condition.number;
    case ConditionKind::kText:
      return value->isString() && value->toStringRef() == text;
    case ConditionKind::kAbsent:
      return absent(*value);
    case ConditionKind::kNoGrad:
      return absent(*value) || (value->isTensor() && !value->toTensor().requires_grad());
    default:
      return false;
  }
}

// As the kernels see a bound: in their own arithmetic, so that comparing in float64 gives their answer.
double as_compared(double bound, const at::Tensor& tensor, bool round_to_element) {
  const auto type = tensor.scalar_type();
  if (type == at::kDouble) return bound;
  const auto narrow = static_cast<float>(bound);
  if (round_to_element && type == at::kBFloat16) return static_cast<float>(at::BFloat16(narrow));
  if (round_to_element && type == at::kHalf) return static_cast<float>(at::Half(narrow));
  return narrow;
}

std::optional<double> bound_of(const Call& call, const NeedRow& row, const Bound& bound) {
  if (bound.argument == nullptr) return as_compared(bound.value, call.saved, row.round_to_element);
  const c10::IValue* const value = argument(call, bound.argument);
  const auto number = value == nullptr ? std::nullopt : as_number(*value);
  return number ? std::optional<double>(as_compared(*number, call.saved, row.round_to_element)) : std::nullopt;
}

bool is_none(const Call& call, const Bound& bound) {
  const c10::IValue* const value = bound.argument == nullptr ? nullptr : argument(call, bound.argument);
  return value != nullptr && value->isNone();
}

}  // namespace

bool is_trained_leaf(const at::Tensor& tensor) {
  if (tensor.requires_grad() && tensor.is_leaf()) return true;
  if (tensor.is_view() && tensor._base().is_leaf() && tensor._base().requires_grad()) return true;
  return cast_leaf(tensor) != nullptr;
}

const NeedRow* pick_row(const Call& call, const SlotInfo& slot, const CatalogueTrust& torch) {
  for (const NeedRow& row : slot.rows) {
    if (!row.is_for(torch)) continue;
    if (row.need == Need::kParameter && !is_trained_leaf(call.saved)) continue;
    bool all = true;
    for (const Condition& condition : row.when) {
      if (condition.kind == ConditionKind::kNone) break;
      all = all && holds(call, condition);
    }
    if (all) return &row;
  }
  return nullptr;
}

bool dtype_fits(Need need, const at::Tensor& saved) {
  switch (need) {
    case Need::kMask:
    case Need::kLinear:
    case Need::kNonlinear:
      return dtype_is(saved, "floating");
    case Need::kBool:
      return dtype_is(saved, "bool");
    case Need::kInteger:
      return dtype_is(saved, "integral");
    default:
      return true;
  }
}

std::optional<Predicate> predicate_of(const Call& call, const NeedRow& row) {
  Predicate p{row.predicate, 0.0, 0.0, row.nan_on};
  switch (row.predicate) {
    case PredicateKind::kNone:
      return std::nullopt;
    case PredicateKind::kSign:
    case PredicateKind::kTwoValued:
    case PredicateKind::kJointEqual:
    case PredicateKind::kJointSign:
    case PredicateKind::kJointAbsEqual:
      return p;
    case PredicateKind::kOpenInterval:  // clamp may have one bound only
      if (is_none(call, row.lo)) p.kind = PredicateKind::kLess;
      if (is_none(call, row.hi)) p.kind = PredicateKind::kGreater;
      break;
    case PredicateKind::kClosedInterval:
      if (is_none(call, row.lo)) p.kind = PredicateKind::kLessEqual;
      if (is_none(call, row.hi)) p.kind = PredicateKind::kGreaterEqual;
      break;
    default:
      break;
  }
  const bool wants_lo = p.kind != PredicateKind::kLess && p.kind != PredicateKind::kLessEqual;
  const bool wants_hi = !wants_lo || p.kind == PredicateKind::kOpenInterval || p.kind == PredicateKind::kClosedInterval;
  if (wants_lo) {
    const auto lo = bound_of(call, row, row.lo);
    if (!lo || !std::isfinite(*lo)) return std::nullopt;
    p.lo = *lo;
  }
  if (wants_hi) {
    const auto hi = bound_of(call, row, row.hi);
    if (!hi || !std::isfinite(*hi)) return std::nullopt;
    p.hi = *hi;
  }
  if (wants_lo && wants_hi && !(p.lo < p.hi))
    return std::nullopt;  // nothing to tell apart, and no stand-in lies between
  if (p.kind == PredicateKind::kAbsGreater && p.lo < 0.0) return std::nullopt;
  return p;
}

}  // namespace cinch::hooks
