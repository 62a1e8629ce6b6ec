// Copies of parameters in another dtype: autocast makes one of each weight, and layers save that instead of the weight.
#pragma once

#include <ATen/core/Tensor.h>

namespace cinch::hooks {

// The leaf that trains and that `tensor` is a cast of; `tensor` may also be a view of the cast (linear saves its t()),
// and the cast may be of a transposed or reshaped leaf. Nullptr for everything else: activations, copies in the same
// dtype or on another device, computed weights like `weight * 2`. Told from the autograd graph alone, a few
// nanoseconds; the answer lives as long as the graph of `tensor`.
const at::Tensor* cast_leaf(const at::Tensor& tensor);

}  // namespace cinch::hooks
