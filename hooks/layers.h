// Layer paths: which layer an op belongs to, told by the parameter that it uses, else by the last op that used one.
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>
#include <c10/core/StorageImpl.h>
#include <torch/nn/module.h>

#include <cstdint>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

namespace cinch::hooks {

// Parameters and buffers of tracked modules, by storage, held weakly so that an address cannot be taken for another's.
// Thread-safe.
class Layers {
 public:
  void track(const std::string& name, const torch::nn::Module& module);
  // Parameters may have moved to other storages (module.to(...)): looks again. Called between iterations.
  void refresh();

  // True when the tensor is, or is a view of, a tracked parameter or buffer.
  bool is_parameter(const at::Tensor& tensor) const;
  // Path of the layer whose parameter is among the arguments, or nullptr.
  const std::string* layer_of(c10::ArrayRef<const c10::IValue> inputs) const;

  int64_t parameters_bytes() const;
  int64_t gradients_bytes() const;
  // Parameters that an error in an activation reaches as a gradient: those with two dimensions or more.
  int64_t weights() const;
  // Distinct storages, for those who count them.
  std::vector<c10::Storage> storages() const;

 private:
  // Weak: a guard must not keep a model alive.
  struct Tracked {
    std::string layer;
    c10::weak_intrusive_ptr<c10::TensorImpl, c10::UndefinedTensorImpl> weak;
    at::Tensor tensor() const { return at::Tensor(weak.lock()); }  // undefined when it is gone
  };
  struct Known {
    c10::weak_intrusive_ptr<c10::StorageImpl> weak;
    size_t tracked;
  };
  const std::string* find(const at::Tensor& tensor) const;
  // Under autocast an op gets casts of the layer's parameters.
  const std::string* find_user(const at::Tensor& argument) const;

  mutable std::mutex mutex_;
  std::vector<Tracked> tracked_;
  std::unordered_map<const c10::StorageImpl*, Known> by_storage_;
};

// The layer that LayerScope names on this thread ("" when none).
const std::string& scoped_layer() noexcept;

}  // namespace cinch::hooks
