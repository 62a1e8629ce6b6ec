// One operator call as the hooks see it, for tests of the catalogue.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <torch/torch.h>

#include "hooks/catalogue/op_info.h"

namespace cinch::hooks::test {

struct Call {
  const OpInfo* op = nullptr;
  std::vector<c10::IValue> inputs;
  uint64_t taken = 0;

  c10::ArrayRef<const c10::IValue> arguments() const {
    return c10::ArrayRef<const c10::IValue>(inputs.data(), inputs.size());
  }
  SlotNeed save(const at::Tensor& tensor, const OpInfo* parent = nullptr) {
    return resolve_slot(*op, arguments(), tensor, taken, parent);
  }
  std::string slot_of(const at::Tensor& tensor) { return slot_name(*op, save(tensor).slot); }
};

// The first call of `op` in `code`. Kernels may call an out= overload of the same name below.
Call call_of(const std::string& op, const std::function<void()>& code);

inline at::Tensor leaf(at::IntArrayRef sizes) { return at::randn(sizes).requires_grad_(); }

}  // namespace cinch::hooks::test
