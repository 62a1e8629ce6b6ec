// Which row of a slot holds for this very call.
#pragma once

#include "hooks/catalogue/op_info.h"

namespace cinch::hooks {

// A call as the catalogue sees it.
struct Call {
  const OpInfo& op;
  c10::ArrayRef<const c10::IValue> inputs;
  const at::Tensor& saved;
  const OpInfo* parent = nullptr;
};

// The first row for this version of torch whose conditions hold, or nullptr.
const NeedRow* pick_row(const Call& call, const SlotInfo& slot, const CatalogueTrust& torch = running_torch());

// A leaf that trains, a view of one (linear layers save weight.t()), or its copy in another dtype (autocast).
bool is_trained_leaf(const at::Tensor& tensor);

// True where the tensor's dtype can have this need: integers are no masks, values are real floating point.
bool dtype_fits(Need need, const at::Tensor& saved);

// The row's predicate with its bounds from the call's arguments; nullopt where they give none that a codec could keep.
std::optional<Predicate> predicate_of(const Call& call, const NeedRow& row);

}  // namespace cinch::hooks
