#include "bench/needs_check.h"

#include <optional>

#include "bench/needs_recorder.h"
#include "bench/needs_stand_ins.h"
#include "hooks/catalogue/variants.h"

namespace cinch::bench {
namespace {

using hooks::NeedRow;
using hooks::SlotNeed;

// Far above what rounding makes of a linear gradient, far below what a step of a quarter makes of another one.
double linear_tolerance(at::ScalarType dtype) { return dtype == at::kHalf ? 3e-2 : 2e-4; }

bool same_bits(const Tensor& a, const Tensor& b) {
  if (a.defined() != b.defined()) return false;
  if (!a.defined()) return true;
  if (a.sizes() != b.sizes() || a.strides() != b.strides() || a.scalar_type() != b.scalar_type()) return false;
  // Signed zeros count, payloads of NaN do not.
  const Tensor equal = at::logical_and(a == b, at::signbit(a) == at::signbit(b));
  return at::logical_or(equal, at::logical_and(a != a, b != b)).all().item<bool>();
}

bool same_bits(const Tensors& a, const Tensors& b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i)
    if (!same_bits(a[i], b[i])) return false;
  return true;
}

// One call with its graph kept, so that the backward can run again and again.
class Run {
 public:
  Run(const NeedsCase& c, int64_t size, at::ScalarType dtype) {
    torch::manual_seed(7);
    graph_ = c.call(size, dtype);
    count_ = saves().size();
    for (const auto& output : graph_.outputs) upstream_.push_back(at::randn_like(output) + 0.5);
  }

  Saves& saves() { return recorder_.saves(); }
  size_t count() const { return count_; }

  Tensors first() const { return torch::autograd::grad(graph_.outputs, graph_.inputs, upstream_, true, false, true); }

  // nullopt where torch has no second derivative.
  std::optional<Tensors> second() {
    std::optional<Tensors> result;
    try {
      result = second_or_throw();
    } catch (const c10::Error&) {
    }
    saves().resize(count_);  // its graph is gone
    return result;
  }

 private:
  Tensors second_or_throw() {
    Tensors upstream, wanted = graph_.inputs;
    for (const auto& u : upstream_) upstream.push_back(u.detach().requires_grad_());
    wanted.insert(wanted.end(), upstream.begin(), upstream.end());
    Tensor sum = at::zeros({}, at::kDouble);
    for (const auto& g : torch::autograd::grad(graph_.outputs, graph_.inputs, upstream, true, true, true))
      if (g.defined()) sum = sum + (g.to(at::kDouble) * g.to(at::kDouble)).sum();
    return torch::autograd::grad({sum}, wanted, {}, true, false, true);
  }

  Recorder recorder_;
  Graph graph_;
  Tensors upstream_;
  size_t count_ = 0;
};

std::string name_of(const Save& save) {
  std::string name = hooks::slot_name(*save.op, save.need.slot);
  const hooks::NeedRow* const row = save.need.row;
  const std::string variant = row == nullptr || row->torch != hooks::NeedRow().torch ? "" : row->variant;
  // Told by the device itself: one case serves both.
  if (!variant.empty() && variant != "cpu" && variant != "cuda") name += '[' + variant + ']';
  return name;
}

// Slots of the first call of the op, in the order in which they came.
std::string slots_seen(const NeedsCase& c, Run& run) {
  std::string seen;
  uint64_t frame = 0;
  for (size_t i = 0; i < run.count(); ++i) {
    const Save& save = run.saves()[i];
    if (save.op->name != c.op || (frame != 0 && save.frame != frame)) continue;
    frame = save.frame;
    seen += (seen.empty() ? "" : "; ") + name_of(save);
  }
  return seen;
}

// How far the gradient is from linear in the slot: second difference over first difference.
double nonlinearity(Run& run, size_t index, const Tensors& base) {
  Save& save = run.saves()[index];
  const Tensor step = save.tensor * 0.25 + at::where(at::isfinite(save.tensor), at::randn_like(save.tensor) * 0.1,
                                                     at::zeros_like(save.tensor));
  const Tensor bounded = at::where(at::isfinite(save.tensor), step, at::zeros_like(step));
  save.replacement = save.tensor + bounded;
  const Tensors above = run.first();
  run.saves()[index].replacement = save.tensor - bounded;
  const Tensors below = run.first();
  run.saves()[index].replacement = Tensor();
  double first = 0.0, second = 0.0;
  for (size_t i = 0; i < base.size(); ++i) {
    if (!base[i].defined()) continue;
    const Tensor a = above[i].to(at::kDouble), b = below[i].to(at::kDouble), m = base[i].to(at::kDouble);
    first = std::max(first, at::nan_to_num((a - b).abs()).max().item<double>());
    second = std::max(second, at::nan_to_num((a + b - 2 * m).abs()).max().item<double>());
  }
  return first == 0.0 ? 0.0 : second / first;
}

class SlotCheck {
 public:
  SlotCheck(const NeedsCase& c, Run& run, size_t index, const Tensors& base, RowResult& result)
      : case_(c), run_(run), index_(index), base_(base), result_(result), found_(run.saves()[index].need) {}

  void check() {
    ++result_.runs;
    const NeedRow& row = *found_.row;
    const bool kept_exact = (row.joint && !is_joint(row.predicate)) || row.first_order;
    if (found_.need != (kept_exact ? Need::kExact : row.need)) return fail("the row was found but not applied");
    const Tensor saved = run_.saves()[index_].tensor;
    if (row.first_order) return check_first_order(row, saved);
    if (found_.need == Need::kShape)
      return must_not_matter(garbage(saved), "values were read of a slot that needs its shape");
    if (is_joint(found_.predicate.kind)) {
      check_joint();
    } else if (found_.need == Need::kMask) {
      const auto stand_ins = same_in_predicate(saved, found_.predicate);
      if (stand_ins.empty()) return fail("the values do not fit the predicate");
      must_not_matter(stand_ins, "more was read than the predicate");
    } else {
      must_not_matter({saved.clone()}, "a copy gave another gradient");
    }
    must_matter(saved);
    if (is_value(found_.need)) check_linearity();
  }

 private:
  void fail(const std::string& why) {
    if (result_.failure.empty())
      result_.failure = why + " (" + case_.saves + ", " + std::to_string(run_.saves()[index_].tensor.numel()) +
                        " values of " + c10::toString(run_.saves()[index_].tensor.scalar_type()) + ")";
  }

  // Such rows are not used; they say what a program without create_graph could save.
  void check_first_order(const NeedRow& row, const Tensor& saved) {
    if (row.need == Need::kShape) return must_not_matter(garbage(saved), "values were read in the first backward");
    const auto predicate = hooks::predicate_of({*run_.saves()[index_].op, {}, saved}, row);
    if (!predicate) return fail("the first-order predicate does not stand by itself");
    must_not_matter(same_in_predicate(saved, *predicate), "more was read than the predicate");
    result_.changed = true;
  }

  // Both slots of the call at once, from the plane of either of them that can have one.
  void check_joint() {
    std::vector<size_t> both;
    for (size_t i = 0; i < run_.count(); ++i)
      if (run_.saves()[i].frame == run_.saves()[index_].frame && is_joint(run_.saves()[i].need.predicate.kind))
        both.push_back(i);
    if (both.size() != 2) return fail(std::to_string(both.size()) + " saves of one call are joint, not two");
    const Save save = run_.saves()[index_];  // a copy: second derivatives save more
    const Tensors saved{run_.saves()[both[0]].tensor, run_.saves()[both[1]].tensor};
    const c10::ArrayRef<const c10::IValue> inputs(save.inputs.data(), save.inputs.size());
    bool any = false;
    for (const int leader : {0, 1}) {
      if (leader == 1 && found_.predicate.kind != PredicateKind::kJointSign) continue;  // a result never leads
      const auto stand_ins = joint_stand_ins(*save.op, inputs, found_.predicate, saved, leader);
      if (stand_ins.empty()) continue;
      any = true;
      check_both(both, stand_ins);
    }
    if (!any) fail("no plane could be made");
  }

  void check_both(const std::vector<size_t>& both, const Tensors& stand_ins) {
    const auto replace = [&](bool on) {
      for (size_t i = 0; i < 2; ++i) run_.saves()[both[i]].replacement = on ? stand_ins[i] : Tensor();
    };
    replace(true);
    if (!same_bits(run_.first(), base_)) fail("more was read than the comparison of the two");
    replace(false);
    const auto expected = case_.second_order ? run_.second() : std::nullopt;
    if (!expected) return;
    replace(true);
    const auto got = run_.second();
    replace(false);
    if (!got || !same_bits(*got, *expected)) return fail("the second derivative differs");
    ++result_.second_orders;
  }

  void must_not_matter(const Tensors& stand_ins, const char* why) {
    for (const auto& stand_in : stand_ins) {
      run_.saves()[index_].replacement = stand_in;
      if (!same_bits(run_.first(), base_)) fail(why);
      run_.saves()[index_].replacement = Tensor();
    }
    if (case_.second_order && (found_.need == Need::kShape || found_.need == Need::kMask))
      check_second(stand_ins.front());
  }

  void check_second(const Tensor& stand_in) {
    const auto expected = run_.second();
    if (!expected) return;
    run_.saves()[index_].replacement = stand_in;
    const auto got = run_.second();
    run_.saves()[index_].replacement = Tensor();
    if (!got || !same_bits(*got, *expected)) return fail("the second derivative differs");
    ++result_.second_orders;
  }

  void must_matter(const Tensor& saved) {
    for (const auto& t : found_.need == Need::kMask ? garbage(saved) : other_values(saved)) {
      run_.saves()[index_].replacement = t;
      try {
        result_.changed = result_.changed || !same_bits(run_.first(), base_);
      } catch (const c10::Error&) {
        result_.changed = true;
      }
      run_.saves()[index_].replacement = Tensor();
    }
  }

  void check_linearity() {
    const auto dtype = run_.saves()[index_].tensor.scalar_type();
    if (dtype != at::kFloat && dtype != at::kHalf) return;
    const double off = nonlinearity(run_, index_, base_);
    if (off > linear_tolerance(dtype)) result_.nonlinear = true;
    if (found_.need == Need::kLinear && case_.linear_everywhere && off > linear_tolerance(dtype))
      fail("the gradient is not linear in it: " + std::to_string(off));
  }

  const NeedsCase& case_;
  Run& run_;
  const size_t index_;
  const Tensors& base_;
  RowResult& result_;
  const SlotNeed found_;
};

std::string check_one(const NeedsCase& c, int64_t size, at::ScalarType dtype, RowResults& results) {
  Run run(c, size, dtype);
  const std::string seen = slots_seen(c, run);
  if (seen != c.saves) return "saves '" + seen + "', expected '" + c.saves + "'";
  const Tensors base = run.first();
  if (!same_bits(run.first(), base)) return kUnstable;
  for (size_t i = 0; i < run.count(); ++i) {
    const Save& save = run.saves()[i];
    if (save.op->name != c.op || save.need.row == nullptr) continue;
    SlotCheck(c, run, i, base, results[save.need.row]).check();
  }
  return "";
}

}  // namespace

std::string check_case(const NeedsCase& c, RowResults& results) {
  for (const auto dtype : c.dtypes) {
    for (const int64_t size : c.sizes) {
      std::string wrong;
      try {
        wrong = check_one(c, size, dtype, results);
      } catch (const std::exception& error) {
        wrong = std::string(error.what()).substr(0, 400);
      }
      if (!wrong.empty()) return c.op + " (size " + std::to_string(size) + ", " + c10::toString(dtype) + "): " + wrong;
    }
  }
  return "";
}

}  // namespace cinch::bench
