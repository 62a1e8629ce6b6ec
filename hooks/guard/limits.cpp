// What a controller counts: the limit and the noise bound in force, tracked tensors, tensors made before the meter.
#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "hooks/guard/controller.h"
#include "hooks/guard/optimizer_state.h"
#include "planner/problem.h"

namespace cinch::hooks {
namespace {

// Physical memory, or what the container may use of it (version 2 of control groups).
int64_t host_bytes() {
  const int64_t physical = static_cast<int64_t>(sysconf(_SC_PHYS_PAGES)) * sysconf(_SC_PAGESIZE);
  std::ifstream file("/sys/fs/cgroup/memory.max");
  int64_t allowed = 0;  // "max": none
  return file >> allowed && allowed > 0 ? std::min(physical, allowed) : physical;
}

}  // namespace

// Limits in bytes bind from the first step; those relative to a baseline from the first plan. Without a limit the
// user's own, if there is one, is in force.
void Controller::take_over_limit() {
  if (budget_.limit.kind == LimitKind::kBytes || budget_.limit.kind == LimitKind::kFractionOfDevice)
    set_limit(limit_under(Plan{}));
  else if (budget_.limit.kind == LimitKind::kNone)
    set_limit(answering_.limit_before == memory::Meter::kNoLimit ? 0 : answering_.limit_before);
  on_overrun_ = budget_.on_overrun;
  configure_reclaim();
}

// A relative limit is what the plan was made for; any other is the budget's.
int64_t Controller::limit_under(const Plan& plan) const {
  if (budget_.limit.kind == LimitKind::kFractionOfBaseline || budget_.limit.kind == LimitKind::kAboveFloor)
    return plan.limit_bytes;
  Profile device;
  device.device_bytes = memory().total_bytes();
  return resolve_limit(device, budget_);
}

Controller::HostRoom::HostRoom(const backend::DeviceMemory& memory, const GuardOptions& options, const Budget& budget)
    : pool(memory.host_pool()) {
  if (pool == nullptr) return;
  pool->set_bound(std::max<int64_t>(0, options.host_pool_bytes.value_or(host_bytes() / 4)));
  pool->reset_peak();
  if (pool->bound() > 0 && planner::allows(budget, "offload"))
    pool->copies().bytes_per_second();  // measured now, not in the midst of a step
}

Controller::HostRoom::~HostRoom() {
  try {
    if (pool != nullptr) pool->set_bound(0);
  } catch (const std::exception&) {
    // A device that answers no more questions: what is pinned stays so.
  }
}

void Controller::set_limit(int64_t bytes) {
  memory().set_limit(bytes > 0 ? bytes : memory::Meter::kNoLimit);
  const std::lock_guard<std::mutex> lock(mutex_);
  usage_.limit_bytes = bytes;
}

double Controller::gradient_variance() const {
  if (const auto measured = session_->replay->gradient_variance()) return *measured;
  const std::lock_guard<std::mutex> lock(mutex_);
  return profile_ ? profile_->gradient_variance : Profile{}.gradient_variance;
}

double Controller::variance_bound() const {
  Profile known;
  known.gradient_variance = gradient_variance();
  return planner::noise_variance_bound(known, budget_);
}

void Controller::configure_reclaim() {
  // A GPU's memory is a limit of its own: where it is full, coding further is better than an end.
  const bool limited = memory().meter().limit() != memory::Meter::kNoLimit || memory().kind() == DeviceKind::kCuda;
  // Before there is a plan a limit can hold only by reclaiming, whatever is to happen when the plan does not suffice.
  const bool enabled = limited && (budget_.on_overrun == OnOverrun::kReclaim || plan() == nullptr);
  const auto rules = budget_.rules;
  const auto allowed = [this](const std::string& method) { return planner::allows(budget_, method); };
  session_->store->set_reclaim(enabled, variance_bound(), allowed, [rules](const std::string& site) {
    bool fixed = false;  // the last match wins
    for (const SiteRule& rule : rules)
      if (glob_match(rule.match, site)) fixed = rule.codec.has_value();
    return fixed;
  });
}

void Controller::track(const std::string& name, const torch::nn::Module& module) {
  session_->layers.track(name, module);
  count_tracked();
}

void Controller::track(const torch::optim::Optimizer& optimizer) {
  optimizers_.push_back(&optimizer);
  count_tracked();
}

int64_t Controller::optimizer_bytes() const {
  int64_t bytes = 0;
  for (const auto* optimizer : optimizers_)
    for (const at::Tensor& tensor : optimizer_state(*optimizer))
      bytes += static_cast<int64_t>(tensor.storage().nbytes());
  return bytes;
}

void Controller::count_tracked() {
  parameters_bytes_ = session_->layers.parameters_bytes();
  gradients_bytes_ = session_->layers.gradients_bytes();
  optimizer_bytes_ = optimizer_bytes();
  session_->store->expect_weight_payloads(session_->layers.weights());
  std::erase_if(earlier_, [this](const auto& item) {
    if (!item.second.weak.expired()) return false;
    memory().meter().sub(item.second.bytes);
    return true;
  });
  auto storages = session_->layers.storages();
  for (const auto* optimizer : optimizers_)
    for (const at::Tensor& tensor : optimizer_state(*optimizer)) storages.push_back(tensor.storage());
  for (const c10::Storage& storage : storages) {
    if (storage.device() != memory().device() || storage.nbytes() == 0 || memory().gives_back(storage.data_ptr()))
      continue;
    const auto bytes = static_cast<int64_t>(storage.nbytes());
    const auto [it, added] =
        earlier_.try_emplace(storage.unsafeGetStorageImpl(), Earlier{storage.getWeakStorageImpl(), bytes});
    if (added) memory().meter().add(bytes);
  }
}

}  // namespace cinch::hooks
