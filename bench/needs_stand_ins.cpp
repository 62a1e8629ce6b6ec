#include "bench/needs_stand_ins.h"

#include <array>
#include <cmath>
#include <limits>
#include <span>
#include <utility>

#include "hooks/catalogue/joint.h"
#include "src/backend/torch/dtype.h"

namespace cinch::bench {
namespace {

using at::Tensor;

bool test(const Predicate& p, double x) {
  if (std::isnan(x)) return p.nan_on;
  switch (p.kind) {
    case PredicateKind::kGreater:
      return x > p.lo;
    case PredicateKind::kGreaterEqual:
      return x >= p.lo;
    case PredicateKind::kLess:
      return x < p.hi;
    case PredicateKind::kLessEqual:
      return x <= p.hi;
    case PredicateKind::kOpenInterval:
      return p.lo < x && x < p.hi;
    case PredicateKind::kClosedInterval:
      return p.lo <= x && x <= p.hi;
    case PredicateKind::kAbsGreater:
      return std::abs(x) > p.lo;
    default:
      return false;
  }
}

// Layout of `saved`, values of `dense` (logical order).
Tensor laid_out_as(const Tensor& saved, const Tensor& dense) {
  Tensor out = at::empty_strided(saved.sizes(), saved.strides(), saved.options());
  out.copy_(dense);
  return out;
}

std::vector<double> candidates(const Predicate& p) {
  const bool only_hi = p.kind == PredicateKind::kLess || p.kind == PredicateKind::kLessEqual;
  const bool has_hi = only_hi || p.kind == PredicateKind::kOpenInterval || p.kind == PredicateKind::kClosedInterval;
  const double lo = only_hi ? p.hi : p.lo;
  const double hi = has_hi ? p.hi : p.lo;
  return {lo, hi, (lo + hi) / 2, lo + 1, hi + 1, lo - 1, hi - 1, lo + 1e4, hi - 1e4, 0.0, -lo - 1};
}

Tensor wide_scalar(double value) { return at::scalar_tensor(value, at::kDouble); }

std::vector<Tensor> two_sided(const Tensor& saved, const Predicate& p) {
  const Tensor wide = saved.to(at::kCPU, at::kDouble).contiguous();
  Tensor on = at::empty_like(wide, at::kBool);
  for (int64_t i = 0; i < wide.numel(); ++i) on.mutable_data_ptr<bool>()[i] = test(p, wide.const_data_ptr<double>()[i]);
  std::vector<double> ons, offs;
  for (const double c : candidates(p)) {
    const double kept = at::scalar_tensor(c, saved.options()).item<double>();  // as this dtype holds it
    (test(p, kept) ? ons : offs).push_back(c);
  }
  std::vector<Tensor> result;
  for (size_t i = 0; i < std::max(ons.size(), offs.size()); ++i)
    result.push_back(
        laid_out_as(saved, at::where(on, wide_scalar(ons[i % ons.size()]), wide_scalar(offs[i % offs.size()]))));
  return result;
}

}  // namespace

std::vector<Tensor> garbage(const Tensor& saved) {
  std::vector<double> fills = {0.0, 1e4, -1e4, 1.0};
  if (at::isFloatingType(saved.scalar_type())) fills.push_back(std::numeric_limits<double>::quiet_NaN());
  std::vector<Tensor> result;
  for (const double fill : fills) {
    if (saved.scalar_type() == at::kByte && std::abs(fill) > 1) continue;
    // An index out of range is an error on the CPU; on a GPU it ends the whole process' use of it.
    if (saved.is_cuda() && !at::isFloatingType(saved.scalar_type()) && std::abs(fill) > 1) continue;
    result.push_back(at::empty_strided(saved.sizes(), saved.strides(), saved.options()).fill_(fill));
  }
  return result;
}

std::vector<Tensor> same_in_predicate(const Tensor& saved, const Predicate& p) {
  if (p.kind == PredicateKind::kTwoValued) {
    // Two constants found in the data; where there is a third, the codec would have declined.
    const Tensor lowest = saved.min(), highest = saved.max();
    const Tensor is_low = saved == lowest;
    if (!at::logical_or(is_low, saved == highest).all().item<bool>()) return {};
    return {laid_out_as(saved, at::where(is_low, lowest, highest))};
  }
  if (p.kind == PredicateKind::kSign) {
    const Tensor sign = at::nan_to_num(at::sign(saved.to(at::kDouble)), 0.0);
    return {laid_out_as(saved, sign), laid_out_as(saved, sign * 1e4), laid_out_as(saved, sign * 1e-3)};
  }
  return two_sided(saved, p);
}

std::vector<Tensor> joint_stand_ins(const hooks::OpInfo& op, c10::ArrayRef<const c10::IValue> inputs,
                                    const Predicate& predicate, const std::vector<Tensor>& saved, int leader) {
  std::array<hooks::JointShape, 2> shapes{hooks::joint_shape(saved[0]), hooks::joint_shape(saved[1])};
  const auto lead = static_cast<size_t>(leader);
  shapes[lead].may_lead = true;
  const auto layout = hooks::joint_layout(op, inputs, {&shapes[0], &shapes[1]});
  if (!layout) return {};
  const Tensor &first = saved[lead], &other = saved[1 - lead];
  const DType dtype = backend::to_dtype(first.scalar_type());
  const CodecContext context;
  const Tensor plane = at::empty({codec::joint_bytes(predicate.kind, first.numel())}, at::kByte);
  const std::span<std::byte> bytes(static_cast<std::byte*>(plane.mutable_data_ptr()),
                                   static_cast<size_t>(plane.numel()));
  codec::encode_joint(predicate, {first.const_data_ptr(), first.numel(), dtype}, {other.const_data_ptr(), layout->axes},
                      bytes, context);
  std::vector<Tensor> result(2);
  result[lead] = at::empty_strided(first.sizes(), first.strides(), first.options());
  codec::decode_joint(bytes, predicate.kind, result[lead].mutable_data_ptr(), first.numel(), dtype, context);
  result[1 - lead] =
      at::empty_strided(other.sizes(), other.strides(), other.options()).fill_(codec::partner_stand_in(predicate.kind));
  return result;
}

std::vector<Tensor> other_values(const Tensor& saved) {
  if (saved.numel() == 0) return {};
  if (at::isFloatingType(saved.scalar_type())) return {laid_out_as(saved, saved * 1.5 + 0.25)};
  std::vector<Tensor> result;
  if (saved.scalar_type() == at::kUInt64) {  // random states of CUDA kernels; most operators do not know this type
    for (const Tensor& other : other_values(saved.view(at::kLong))) result.push_back(other.view(at::kUInt64));
    return result;
  }
  for (const Tensor& other :
       {at::zeros_like(saved), laid_out_as(saved, saved.flatten().roll(1).view(saved.sizes())), at::ones_like(saved)})
    if (!at::equal(other, saved)) result.push_back(other);
  if (saved.scalar_type() == at::kByte) result.resize(1);  // a workspace: nothing but zeros is safe
  return result;
}

}  // namespace cinch::bench
