// Tensors over storages, without dispatch: no ambient mode (autocast, functional transforms) may touch them.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/TensorImpl.h>

#include <vector>

namespace cinch::hooks {

// The tensor shares `version`: a backward that writes into what it saved is then found by the version check, as in
// stock autograd.
at::Tensor tensor_over(c10::Storage storage, c10::ScalarType type, const std::vector<int64_t>& sizes,
                       const std::vector<int64_t>& strides, int64_t offset, const c10::VariableVersion& version);

}  // namespace cinch::hooks
