#include <algorithm>

#include "hooks/catalogue/op_info.h"
#include "hooks/catalogue/variants.h"

namespace cinch::hooks {
namespace {

bool is_same(const c10::IValue& value, const at::Tensor& saved) {
  return value.isTensor() && value.toTensor().unsafeGetTensorImpl() == saved.unsafeGetTensorImpl();
}

bool is_in(const c10::IValue& value, const at::Tensor& saved) {
  if (!value.isList()) return false;
  const auto items = value.toListRef();
  return std::ranges::any_of(items, [&](const c10::IValue& item) { return is_same(item, saved); });
}

bool is_taken(uint64_t taken, size_t slot) { return (taken >> slot) & 1U; }

// The argument that is this tensor. A list hands over several tensors, so its slot stays open.
int find_by_identity(const OpInfo& op, c10::ArrayRef<const c10::IValue> inputs, const at::Tensor& saved,
                     uint64_t& taken) {
  for (size_t i = 0; i < op.slots.size(); ++i) {
    const SlotInfo& slot = op.slots[i];
    if (slot.argument < 0 || static_cast<size_t>(slot.argument) >= inputs.size() || is_taken(taken, i)) continue;
    const c10::IValue& value = inputs[slot.argument];
    if (slot.list ? is_in(value, saved) : is_same(value, saved)) {
      if (!slot.list) taken |= uint64_t{1} << i;
      return static_cast<int>(i);
    }
  }
  return -1;
}

// Any row that an output of this dtype could have; a slot without rows takes everything. Outputs whose values do not
// matter or are exact are statistics: floating point, unless another row of the slot says that they are integers.
bool could_be(const SlotInfo& slot, const at::Tensor& saved) {
  const bool floating = dtype_fits(Need::kLinear, saved);
  const auto fits = [&](const NeedRow& row) {
    if (row.need == Need::kShape || row.need == Need::kExact) return floating;
    return row.need == Need::kOpaque ? !floating : dtype_fits(row.need, saved);
  };
  return slot.rows.empty() || std::ranges::any_of(slot.rows, fits);
}

// Outputs and clones come in generated order; undefined ones are left out of the stream.
int find_by_order(const OpInfo& op, const at::Tensor& saved, uint64_t& taken) {
  for (size_t i = 0; i < op.slots.size(); ++i) {
    if (op.slots[i].argument >= 0 || is_taken(taken, i) || !could_be(op.slots[i], saved)) continue;
    // Nothing before it can arrive any more.
    for (size_t j = 0; j <= i; ++j)
      if (!op.slots[j].list) taken |= uint64_t{1} << j;
    return static_cast<int>(i);
  }
  return -1;
}

// What cannot be trusted on this device stays exact; where nothing would be lost anyway the need stays as it is.
bool needs_trust(Need need) { return need == Need::kShape || need == Need::kMask || is_value(need); }

bool trusted(const NeedRow& row, const at::Tensor& saved, Trust trust) {
  const bool verified = trust == Trust::kEveryRow || row.is_verified(running_torch(), saved.device().type());
  const bool can_be_kept = !row.joint || saved.is_cpu();  // planes of two tensors are made on the CPU alone
  return verified && can_be_kept && !row.first_order;
}

void apply(const Call& call, const NeedRow& row, Trust trust, SlotNeed& found) {
  found.row = &row;
  if (!dtype_fits(row.need, call.saved)) return;
  if (needs_trust(row.need) && !trusted(row, call.saved, trust)) return;
  if (row.need == Need::kMask) {
    const auto predicate = predicate_of(call, row);
    if (!predicate) return;
    found.predicate = *predicate;
  }
  found.need = row.need;
  found.reach = row.reach;
}

// No arguments to compare with: saves come in the order in which the op makes them.
SlotNeed resolve_by_count(const OpInfo& op, const at::Tensor& saved, uint64_t& taken) {
  SlotNeed found;
  found.slot = static_cast<int32_t>(taken++);
  if (static_cast<size_t>(found.slot) >= op.slots.size()) return found;
  const NeedRow& row = op.slots[found.slot].rows.front();
  found.row = &row;
  if (!dtype_fits(row.need, saved)) return found;  // the declaration itself is the user's promise, on any device
  found.need = row.need;
  found.reach = row.reach;
  return found;
}

}  // namespace

SlotNeed resolve_slot(const OpInfo& op, c10::ArrayRef<const c10::IValue> inputs, const at::Tensor& saved,
                      uint64_t& taken, const OpInfo* parent, Trust trust) {
  if (op.arguments.empty()) return resolve_by_count(op, saved, taken);
  SlotNeed found;
  found.slot = find_by_identity(op, inputs, saved, taken);
  if (found.slot < 0 && !inputs.empty()) found.slot = find_by_order(op, saved, taken);
  if (found.slot < 0) return found;
  const Call call{op, inputs, saved, parent};
  if (const NeedRow* const row = pick_row(call, op.slots[found.slot])) apply(call, *row, trust, found);
  return found;
}

}  // namespace cinch::hooks
