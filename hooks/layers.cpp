#include "hooks/layers.h"

#include <unordered_set>

#include "cinch/torch/scope.h"
#include "hooks/catalogue/cast.h"
#include "hooks/trace.h"

namespace cinch::hooks {
namespace {

std::string join(const std::string& a, const std::string& b) {
  if (a.empty() || b.empty()) return a + b;
  return a + "." + b;
}

std::vector<std::string>& scope_stack() {
  thread_local std::vector<std::string> stack;
  return stack;
}

}  // namespace

void Layers::track(const std::string& name, const torch::nn::Module& module) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto add = [&](const std::string& path, const at::Tensor& tensor) {
      if (!tensor.defined() || !tensor.has_storage()) return;
      const auto dot = path.rfind('.');
      tracked_.push_back({join(name, dot == std::string::npos ? "" : path.substr(0, dot)),
                          decltype(Tracked::weak)(tensor.getIntrusivePtr())});
    };
    for (const auto& item : module.named_parameters()) add(item.key(), item.value());
    for (const auto& item : module.named_buffers()) add(item.key(), item.value());
  }
  refresh();
}

void Layers::refresh() {
  const std::lock_guard<std::mutex> lock(mutex_);
  by_storage_.clear();
  for (size_t i = 0; i < tracked_.size(); ++i) {
    const at::Tensor tensor = tracked_[i].tensor();
    if (!tensor.defined() || !tensor.has_storage()) continue;
    by_storage_.try_emplace(tensor.storage().unsafeGetStorageImpl(), Known{tensor.storage().getWeakStorageImpl(), i});
  }
}

const std::string* Layers::find(const at::Tensor& tensor) const {
  if (!tensor.defined() || !tensor.has_storage()) return nullptr;
  const auto it = by_storage_.find(tensor.storage().unsafeGetStorageImpl());
  if (it == by_storage_.end() || it->second.weak.expired()) return nullptr;
  return &tracked_[it->second.tracked].layer;
}

const std::string* Layers::find_user(const at::Tensor& argument) const {
  if (const std::string* const layer = find(argument)) return layer;
  const at::Tensor* const leaf = cast_leaf(argument);
  return leaf == nullptr ? nullptr : find(*leaf);
}

bool Layers::is_parameter(const at::Tensor& tensor) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return find(tensor) != nullptr;
}

const std::string* Layers::layer_of(c10::ArrayRef<const c10::IValue> inputs) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  for (const auto& value : inputs) {
    if (value.isTensor()) {
      if (const auto* layer = find_user(value.toTensor())) return layer;
    } else if (value.isTensorList()) {
      for (const at::Tensor& tensor : value.toTensorList())
        if (const auto* layer = find_user(tensor)) return layer;
    }
  }
  return nullptr;
}

int64_t Layers::parameters_bytes() const {
  int64_t bytes = 0;
  for (const auto& storage : storages()) bytes += static_cast<int64_t>(storage.nbytes());
  return bytes;
}

int64_t Layers::gradients_bytes() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::unordered_set<const c10::StorageImpl*> seen;
  int64_t bytes = 0;
  for (const auto& tracked : tracked_) {
    const at::Tensor tensor = tracked.tensor();
    const at::Tensor grad = tensor.defined() ? tensor.grad() : at::Tensor();
    if (!grad.defined() || !grad.has_storage()) continue;
    if (seen.insert(grad.storage().unsafeGetStorageImpl()).second)
      bytes += static_cast<int64_t>(grad.storage().nbytes());
  }
  return bytes;
}

std::vector<c10::Storage> Layers::storages() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::unordered_set<const c10::StorageImpl*> seen;
  std::vector<c10::Storage> result;
  for (const auto& tracked : tracked_) {
    const at::Tensor tensor = tracked.tensor();
    if (tensor.defined() && tensor.has_storage() && seen.insert(tensor.storage().unsafeGetStorageImpl()).second)
      result.push_back(tensor.storage());
  }
  return result;
}

int64_t Layers::weights() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  int64_t count = 0;
  for (const auto& tracked : tracked_)
    if (const at::Tensor tensor = tracked.tensor(); tensor.defined() && tensor.requires_grad() && tensor.dim() > 1)
      ++count;
  return count;
}

const std::string& scoped_layer() noexcept {
  static const std::string none;
  const auto& stack = scope_stack();
  return stack.empty() ? none : stack.back();
}

}  // namespace cinch::hooks

namespace cinch {

LayerScope::LayerScope(const std::string& name) {
  auto& stack = hooks::scope_stack();
  stack.push_back(stack.empty() ? name : hooks::join(stack.back(), name));
}

LayerScope::~LayerScope() { hooks::scope_stack().pop_back(); }

OpScope::OpScope(const std::string& name) { hooks::push_frame(hooks::op_info(name)); }

OpScope::~OpScope() { hooks::pop_frame(); }

}  // namespace cinch
