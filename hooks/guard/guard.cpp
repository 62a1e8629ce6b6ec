#include "cinch/torch/guard.h"

#include <cstdlib>
#include <cstring>
#include <set>

#include "hooks/guard/controller.h"
#include "hooks/guard/guard_engine.h"
#include "hooks/trace.h"
#include "src/metrics/source.h"

namespace cinch {
namespace {

// One guard per device; held for the guard's life.
class DeviceClaim {
 public:
  explicit DeviceClaim(c10::Device device) : device_(device.str()) {
    const std::lock_guard<std::mutex> lock(mutex());
    if (!claimed().insert(device_).second)
      throw Error("BudgetGuard: another guard is active on " + device_ + "; end it first (one guard per device)");
  }
  ~DeviceClaim() {
    const std::lock_guard<std::mutex> lock(mutex());
    claimed().erase(device_);
  }
  DeviceClaim(const DeviceClaim&) = delete;
  DeviceClaim& operator=(const DeviceClaim&) = delete;

 private:
  static std::mutex& mutex() {
    static std::mutex instance;
    return instance;
  }
  static std::set<std::string>& claimed() {
    static auto* const instance = new std::set<std::string>;
    return *instance;
  }
  const std::string device_;
};

bool disabled() {
  const char* value = std::getenv("CINCH_DISABLE");
  return value != nullptr && std::strcmp(value, "") != 0 && std::strcmp(value, "0") != 0;
}

}  // namespace

struct BudgetGuard::Impl {
  Impl(Budget budget, GuardOptions options) {
    if (disabled()) {
      validate(budget);
      return;
    }
    options.device = backend::resolve_device(options.device);
    const std::string device = options.device.str();
    claim = std::make_unique<DeviceClaim>(options.device);
    hooks::install_guard_engine();
    session = std::make_shared<hooks::Session>(backend::device_memory(options.device), options.seed);
    controller = std::make_unique<hooks::Controller>(std::move(budget), std::move(options), session);
    hooks::switch_on(session);
    trace = std::make_unique<hooks::TraceScope>();
    source = std::make_unique<metrics::Source>(device, [asked = controller.get()] {
      return metrics::Reading{asked->usage(), asked->usage_by_site()};
    });
  }
  ~Impl() {
    source.reset();  // nobody asks any more
    if (session) hooks::switch_off(session);
    trace.reset();
  }
  // Order of destruction: the controller lets go of the allocator before the device can be claimed again.
  std::unique_ptr<DeviceClaim> claim;
  std::shared_ptr<hooks::Session> session;
  std::unique_ptr<hooks::Controller> controller;
  std::unique_ptr<hooks::TraceScope> trace;
  std::unique_ptr<metrics::Source> source;  // what metrics are made from
};

BudgetGuard::BudgetGuard(Budget budget, GuardOptions options)
    : impl_(std::make_shared<Impl>(std::move(budget), std::move(options))) {}

BudgetGuard::BudgetGuard(const torch::nn::Module& module, Budget budget, GuardOptions options)
    : BudgetGuard(std::move(budget), std::move(options)) {
  track("model", module);
}

BudgetGuard::BudgetGuard(BudgetGuard&&) noexcept = default;
BudgetGuard& BudgetGuard::operator=(BudgetGuard&&) noexcept = default;
BudgetGuard::~BudgetGuard() = default;

void BudgetGuard::track(const std::string& name, const torch::nn::Module& module) {
  if (impl_->controller) impl_->controller->track(name, module);
}

void BudgetGuard::track(const torch::optim::Optimizer& optimizer) {
  if (impl_->controller) impl_->controller->track(optimizer);
}

void BudgetGuard::step() {
  if (!impl_->controller) return;
  // Also where step() throws: the iteration is over then, and training may go on.
  struct Counted {
    Impl& impl;
    ~Counted() { impl.source->step_is_over(impl.controller->usage(), impl.controller->least_effective_batch()); }
  } counted{*impl_};
  impl_->controller->step();
}

Phase BudgetGuard::phase() const { return impl_->controller ? impl_->controller->phase() : Phase::kObserve; }

std::shared_ptr<const Profile> BudgetGuard::profile() const {
  return impl_->controller ? impl_->controller->profile() : nullptr;
}

std::shared_ptr<const Plan> BudgetGuard::plan() const {
  return impl_->controller ? impl_->controller->plan() : nullptr;
}

Usage BudgetGuard::usage() const { return impl_->controller ? impl_->controller->usage() : Usage{}; }

std::vector<SiteUsage> BudgetGuard::usage_by_site() const {
  return impl_->controller ? impl_->controller->usage_by_site() : std::vector<SiteUsage>{};
}

void BudgetGuard::replan(Budget budget) {
  if (impl_->controller) impl_->controller->replan(std::move(budget));
}

std::optional<MemoryBreakdown> BudgetGuard::last_overrun() const {
  return impl_->controller ? impl_->controller->last_overrun() : std::nullopt;
}

}  // namespace cinch
