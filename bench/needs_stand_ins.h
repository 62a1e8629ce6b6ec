// What may, and what must not, take a saved tensor's place.
#pragma once

#include <ATen/ATen.h>

#include <vector>

#include "hooks/catalogue/op_info.h"

namespace cinch::bench {

// For `shape`: tensors of the same layout with nothing of the values in them.
std::vector<at::Tensor> garbage(const at::Tensor& saved);
// For `mask`: tensors that agree with `saved` in the predicate alone.
std::vector<at::Tensor> same_in_predicate(const at::Tensor& saved, const Predicate& predicate);
// For joint masks: what the hooks would unpack for the two saves of one call, from the plane that follows the one at
// `leader`. Empty where no plane can follow it.
std::vector<at::Tensor> joint_stand_ins(const hooks::OpInfo& op, c10::ArrayRef<const c10::IValue> inputs,
                                        const Predicate& predicate, const std::vector<at::Tensor>& saved, int leader);
// Other values that a kernel can still digest (indices stay in range).
std::vector<at::Tensor> other_values(const at::Tensor& saved);

}  // namespace cinch::bench
