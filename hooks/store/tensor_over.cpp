#include "hooks/store/tensor_over.h"

namespace cinch::hooks {

at::Tensor tensor_over(c10::Storage storage, c10::ScalarType type, const std::vector<int64_t>& sizes,
                       const std::vector<int64_t>& strides, int64_t offset, const c10::VariableVersion& version) {
  const c10::DispatchKeySet keys(storage.device().is_cuda() ? c10::DispatchKey::CUDA : c10::DispatchKey::CPU);
  auto tensor = at::detail::make_tensor<c10::TensorImpl>(std::move(storage), keys, c10::scalarTypeToTypeMeta(type));
  tensor.unsafeGetTensorImpl()->set_sizes_and_strides(sizes, strides, offset);
  tensor.unsafeGetTensorImpl()->set_version_counter(version);
  return tensor;
}

}  // namespace cinch::hooks
