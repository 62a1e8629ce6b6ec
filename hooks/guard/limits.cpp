// What a controller counts: the limit and the noise bound in force, tracked tensors, tensors made before the meter.
#include <unistd.h>

#include <algorithm>
#include <limits>

#include "hooks/guard/controller.h"
#include "hooks/guard/optimizer_state.h"

namespace cinch::hooks {

int64_t device_memory_bytes() { return static_cast<int64_t>(sysconf(_SC_PHYS_PAGES)) * sysconf(_SC_PAGESIZE); }

// Limits in bytes bind from the first step; those relative to a baseline from the first plan.
void Controller::take_over_limit() {
  Profile nothing_known;
  nothing_known.device_bytes = device_memory_bytes();
  if (budget_.limit.kind == LimitKind::kBytes || budget_.limit.kind == LimitKind::kFractionOfDevice)
    set_limit(resolve_limit(nothing_known, budget_));
  on_overrun_ = budget_.on_overrun;
  configure_reclaim();
}

void Controller::set_limit(int64_t bytes) {
  backend::cpu_meter().set_limit(bytes > 0 ? bytes : memory::Meter::kNoLimit);
  const std::lock_guard<std::mutex> lock(mutex_);
  usage_.limit_bytes = bytes;
}

double Controller::gradient_variance() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return profile_ ? profile_->gradient_variance : Profile{}.gradient_variance;
}

double Controller::variance_bound() const {
  double bound = std::numeric_limits<double>::infinity();
  if (budget_.min_effective_batch > 0) bound = gradient_variance() * (1.0 / budget_.min_effective_batch - 1.0);
  if (budget_.max_gradient_noise) bound = std::min(bound, *budget_.max_gradient_noise * *budget_.max_gradient_noise);
  return bound;
}

void Controller::configure_reclaim() {
  bool limited = backend::cpu_meter().limit() != memory::Meter::kNoLimit;
  bool lossy = !budget_.lossless_only();
  if (!budget_.allow.empty())
    lossy = std::find(budget_.allow.begin(), budget_.allow.end(), "group_quant") != budget_.allow.end();
  const auto rules = budget_.rules;
  session_->store->set_reclaim(limited && budget_.on_overrun == OnOverrun::kReclaim, lossy, variance_bound(),
                               [rules](const std::string& site) {
                                 bool fixed = false;  // the last match wins
                                 for (const SiteRule& rule : rules)
                                   if (glob_match(rule.match, site)) fixed = rule.codec.has_value();
                                 return fixed;
                               });
}

void Controller::track(const std::string& name, const torch::nn::Module& module) {
  session_->layers.track(name, module);
  count_earlier_storages();
}

void Controller::track(const torch::optim::Optimizer& optimizer) { optimizers_.push_back(&optimizer); }

int64_t Controller::optimizer_bytes() const {
  int64_t bytes = 0;
  for (const auto* optimizer : optimizers_)
    for (const at::Tensor& tensor : optimizer_state(*optimizer))
      bytes += static_cast<int64_t>(tensor.storage().nbytes());
  return bytes;
}

void Controller::count_earlier_storages() {
  std::erase_if(earlier_, [](const Earlier& earlier) {
    if (!earlier.weak.expired()) return false;
    backend::cpu_meter().sub(earlier.bytes);
    return true;
  });
  auto storages = session_->layers.storages();
  for (const auto* optimizer : optimizers_)
    for (const at::Tensor& tensor : optimizer_state(*optimizer)) storages.push_back(tensor.storage());
  for (const c10::Storage& storage : storages) {
    if (!storage.device().is_cpu() || storage.nbytes() == 0 || backend::is_metered(storage.data_ptr())) continue;
    bool known = false;
    for (const Earlier& earlier : earlier_) known |= earlier.weak.lock().get() == storage.unsafeGetStorageImpl();
    if (known) continue;
    earlier_.push_back({storage.getWeakStorageImpl(), static_cast<int64_t>(storage.nbytes())});
    backend::cpu_meter().add(static_cast<int64_t>(storage.nbytes()));
  }
}

}  // namespace cinch::hooks
