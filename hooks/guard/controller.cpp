#include "hooks/guard/controller.h"

#include <torch/version.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <limits>

#include "cinch/version.h"
#include "hooks/guard/guard_engine.h"
#include "hooks/guard/optimizer_state.h"
#include "src/methods/methods.h"

namespace cinch::hooks {
namespace {

// An iteration that saves at unforeseen sites is observed again, but not more often than this many steps.
constexpr int64_t kStepsBetweenObserving = 100;

int64_t device_memory_bytes() { return static_cast<int64_t>(sysconf(_SC_PHYS_PAGES)) * sysconf(_SC_PAGESIZE); }

std::string hex(uint64_t value) {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(value));
  return text;
}

}  // namespace

Controller::Controller(Budget budget, GuardOptions options, std::shared_ptr<Session> session)
    : budget_(std::move(budget)),
      options_(std::move(options)),
      session_(std::move(session)),
      step_started_(std::chrono::steady_clock::now()) {
  if (!options_.budget_file.empty()) {
    budget_ = Budget::from_json_file(options_.budget_file);
    budget_file_time_ = std::filesystem::last_write_time(options_.budget_file);
  }
  validate(budget_);
  if (options_.observe_steps < 1) throw Error("GuardOptions.observe_steps must be at least 1");
  if (options_.replan_interval < 0) throw Error("GuardOptions.replan_interval must not be negative");
  limit_before_ = backend::cpu_meter().limit();
  take_over_limit();
  backend::set_overrun_handler(this);
  if (!options_.load_plan.empty()) {
    adopt(std::make_shared<Plan>(Plan::from_json_file(options_.load_plan)));
    check_fingerprint_ = true;
  } else if (options_.observe_steps == 1) {
    begin_observing();
  }
}

Controller::~Controller() {
  backend::set_overrun_handler(nullptr);
  session_->store->set_listener(nullptr);
  session_->store->set_reclaim(false, false, 0, nullptr);
  backend::cpu_meter().set_limit(limit_before_);
  for (const Earlier& earlier : earlier_) backend::cpu_meter().sub(earlier.bytes);
}

void Controller::emit(Event::Kind kind, const std::string& message) const {
  if (options_.on_event) options_.on_event({kind, message});
}

// Limits in bytes bind from the first step; those relative to a baseline from the first plan.
void Controller::take_over_limit() {
  Profile nothing_known;
  nothing_known.device_bytes = device_memory_bytes();
  if (budget_.limit.kind == LimitKind::kBytes || budget_.limit.kind == LimitKind::kFractionOfDevice)
    set_limit(resolve_limit(nothing_known, budget_));
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

void Controller::begin_observing() {
  session_->store->set_policy(nullptr);
  recorder_ = std::make_shared<Recorder>(session_->store, session_->sites);
  session_->store->set_listener(recorder_);
  const std::lock_guard<std::mutex> lock(mutex_);
  phase_ = Phase::kObserve;
}

void Controller::finish_observing() {
  session_->store->set_listener(nullptr);
  auto profile = std::make_shared<Profile>(recorder_->finish());
  recorder_.reset();
  profile->cinch_version = CINCH_VERSION;
  profile->torch_version = TORCH_VERSION;
  profile->device = options_.device.str();
  profile->fingerprint = hex(session_->fingerprint.load());
  profile->parameters_bytes = parameters_bytes_;
  profile->gradients_bytes = gradients_bytes_;
  profile->optimizer_bytes = optimizer_bytes_;
  profile->step_seconds = step_seconds_;
  profile->device_bytes = device_memory_bytes();
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    profile_ = profile;
  }
  if (!options_.save_profile.empty()) profile->save(options_.save_profile);
  plan_now();
}

void Controller::plan_now() {
  auto plan = std::make_shared<Plan>(make_plan(*profile(), budget_));
  if (!options_.save_plan.empty()) plan->save(options_.save_plan);
  adopt(plan);
}

void Controller::adopt(std::shared_ptr<const Plan> plan) {
  session_->store->set_policy(std::make_shared<Policy>(*plan));
  emit(Event::Kind::kPlan, "plan: predicted peak " + format_bytes(plan->predicted_peak_bytes) + ", payloads " +
                               format_bytes(plan->charged_bytes) + " for " + format_bytes(plan->raw_bytes) +
                               " raw, predicted noise " + std::to_string(plan->predicted_noise));
  if (budget_.limit.kind != LimitKind::kNone) set_limit(plan->limit_bytes);
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    plan_ = std::move(plan);
    phase_ = Phase::kRun;
  }
  since_plan_ = 0;
  configure_reclaim();
}

void Controller::check_loaded_plan() {
  if (!check_fingerprint_) return;
  check_fingerprint_ = false;
  const std::string seen = hex(session_->fingerprint.load());
  if (plan()->fingerprint != seen)
    throw Error("plan " + options_.load_plan + " was made for another graph (fingerprint " + plan()->fingerprint +
                ", this program has " + seen + "); observe again and save a new one");
}

void Controller::check_budget_file() {
  if (options_.budget_file.empty()) return;
  std::error_code error;
  const auto time = std::filesystem::last_write_time(options_.budget_file, error);
  if (error || time == *budget_file_time_) return;
  budget_file_time_ = time;
  try {
    Budget changed = Budget::from_json_file(options_.budget_file);
    validate(changed);
    replan(std::move(changed));
  } catch (const std::exception& e) {
    // An editor may have written half of it; the run must not end for that.
    emit(Event::Kind::kWarning, std::string("budget file not taken over: ") + e.what());
  }
}

void Controller::check_engine() {
  if (install_guard_engine())
    emit(Event::Kind::kWarning,
         "another autograd engine had been installed over cinch's (a Python that loaded torch later?); put back in "
         "front");
}

void Controller::end_iteration() {
  auto& meter = backend::cpu_meter();
  auto& store = *session_->store;
  const auto now = std::chrono::steady_clock::now();
  step_seconds_ = std::chrono::duration<double>(now - step_started_).count();
  step_started_ = now;
  session_->layers.refresh();
  count_earlier_storages();
  parameters_bytes_ = session_->layers.parameters_bytes();
  gradients_bytes_ = session_->layers.gradients_bytes();
  optimizer_bytes_ = optimizer_bytes();
  const double variance = store.spent_variance();
  const double v = gradient_variance();
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    usage_.device_peak_bytes = meter.peak();
    usage_.raw_bytes = store.raw_ledger().totals().peak;
    usage_.charged_bytes = store.charged_ledger().totals().peak;
    usage_.pack_seconds = 1e-9 * static_cast<double>(store.counters().pack_nanoseconds.exchange(0));
    usage_.unpack_seconds = 1e-9 * static_cast<double>(store.counters().unpack_nanoseconds.exchange(0));
    usage_.reclaims = store.counters().reclaims;
    usage_.fallbacks = store.counters().fallbacks;
    usage_.gradient_noise = std::sqrt(variance);
    usage_.effective_batch = v / (v + variance);
    ++usage_.steps;
  }
  if (const std::string reason = store.take_fallback_reason(); !reason.empty())
    emit(Event::Kind::kFallback, "kept as it was, among others: " + reason);
  const int64_t limit = meter.limit() == memory::Meter::kNoLimit ? 0 : meter.limit();
  if (limit > 0 && meter.peak() > limit)
    emit(Event::Kind::kOverrun, "peak " + format_bytes(meter.peak()) + " passed the limit of " + format_bytes(limit));
}

void Controller::step() {
  end_iteration();
  std::exception_ptr error;
  try {
    decide();
  } catch (...) {
    error =
        std::current_exception();  // the next iteration begins in order all the same: the caller may replan and go on
  }
  begin_iteration();
  if (error) std::rethrow_exception(error);
}

void Controller::decide() {
  check_loaded_plan();
  check_engine();
  check_budget_file();
  const int64_t unforeseen = session_->store->unforeseen();
  std::optional<Budget> next;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    next.swap(next_budget_);
  }
  if (next) {
    budget_ = std::move(*next);
    take_over_limit();
  }
  ++observed_;
  ++since_plan_;
  const bool again = (options_.replan_interval > 0 && since_plan_ >= options_.replan_interval) ||
                     (unforeseen > 0 && since_plan_ >= kStepsBetweenObserving);
  if (recorder_) {
    finish_observing();
  } else if (next && profile()) {
    plan_now();
  } else if (phase() == Phase::kObserve) {
    if (observed_ >= options_.observe_steps - 1) begin_observing();
  } else if (next || again) {
    begin_observing();
  }
}

void Controller::begin_iteration() {
  const auto current = plan();
  double planned = 0;
  if (current && phase() == Phase::kRun) planned = current->predicted_noise * current->predicted_noise;
  session_->sites->begin_iteration();
  session_->iteration.fetch_add(1);
  session_->fingerprint.store(0);
  session_->backwards_since_step.store(0);
  session_->store->begin_iteration(session_->iteration.load(), planned);
  session_->store->raw_ledger().reset_peaks();
  session_->store->charged_ledger().reset_peaks();
  backend::cpu_meter().reset_peak();
  step_started_ = std::chrono::steady_clock::now();
}

void Controller::replan(Budget budget) {
  validate(budget);
  const std::lock_guard<std::mutex> lock(mutex_);
  next_budget_ = std::move(budget);
}

Phase Controller::phase() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return phase_;
}

std::shared_ptr<const Profile> Controller::profile() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return profile_;
}

std::shared_ptr<const Plan> Controller::plan() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return plan_;
}

Usage Controller::usage() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return usage_;
}

std::optional<MemoryBreakdown> Controller::last_overrun() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return last_overrun_;
}

bool Controller::make_room(int64_t request_bytes) { return session_->store->make_room(request_bytes); }

MemoryBreakdown Controller::breakdown() const {
  MemoryBreakdown result;
  result.parameters_bytes = parameters_bytes_;
  result.gradients_bytes = gradients_bytes_;
  result.optimizer_bytes = optimizer_bytes_;
  result.payloads_bytes = session_->store->charged_ledger().totals().current;
  result.transients_bytes =
      std::max<int64_t>(0, backend::cpu_meter().current() - result.parameters_bytes - result.gradients_bytes -
                               result.optimizer_bytes - result.payloads_bytes);
  if (const auto p = profile()) result.floor_bytes = p->floor_bytes();
  return result;
}

bool Controller::overrun(int64_t request_bytes, MemoryBreakdown& result) {
  result = breakdown();
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    last_overrun_ = result;
  }
  const bool granted = budget_.on_overrun == OnOverrun::kWarn;
  emit(Event::Kind::kOverrun, "a request of " + format_bytes(request_bytes) + " does not fit under the limit" +
                                  (granted ? "; granted (on_overrun is warn)" : "; refused"));
  return granted;
}

}  // namespace cinch::hooks
