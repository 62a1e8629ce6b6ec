// What a controller tells: usage, breakdown, events, and the answer to a request that does not fit.
#include <cmath>
#include <utility>

#include "hooks/guard/controller.h"
#include "hooks/guard/optimizer_state.h"
#include "hooks/replay/stand_in.h"

namespace cinch::hooks {

namespace {

constexpr const char* kEventNames[] = {"plan", "reclaim", "fallback", "overrun", "warning"};

}  // namespace

void Controller::emit(Event::Kind kind, const std::string& message) const {
  if (trace_) trace_->moment(kEventNames[static_cast<int>(kind)], message);
  if (options_.on_event) options_.on_event({kind, message});
}

void Controller::end_iteration() {
  auto& meter = memory().meter();
  auto& store = *session_->store;
  const auto now = std::chrono::steady_clock::now(), began = std::exchange(step_started_, now);
  step_seconds_ = std::chrono::duration<double>(now - began).count();
  session_->layers.refresh();
  count_tracked();
  const double variance = store.spent_variance();
  const double pack_seconds = 1e-9 * static_cast<double>(store.counters().pack_nanoseconds.exchange(0));
  const double unpack_seconds = 1e-9 * static_cast<double>(store.counters().unpack_nanoseconds.exchange(0));
  take_coding_seconds(pack_seconds + unpack_seconds);
  take_measured(variance);
  const double v = gradient_variance();
  site_book_.end_iteration(store);
  const int64_t reclaims = store.counters().reclaims, before = usage().reclaims;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    usage_.device_peak_bytes = meter.peak();
    usage_.raw_bytes = store.raw_ledger().totals().peak;
    usage_.charged_bytes = store.charged_ledger().totals().peak;
    usage_.pack_seconds = pack_seconds;
    usage_.unpack_seconds = unpack_seconds;
    usage_.reclaims = reclaims;
    usage_.fallbacks = store.counters().fallbacks;
    usage_.gradient_noise = std::sqrt(variance);
    usage_.effective_batch = v > 0 ? v / (v + variance) : variance > 0 ? 0.0 : 1.0;
    usage_.gradient_variance = v;
    usage_.gradient_pairs = session_->replay->gradient_pairs();
    usage_.step_seconds = std::chrono::duration<double>(now - std::exchange(last_step_, now)).count();
    ++usage_.steps;
    if (host_room_.pool != nullptr) {
      usage_.offloaded_bytes = host_room_.pool->peak();
      host_room_.pool->reset_peak();
    }
  }
  // Here a wait for the device costs the least: no save and no unpack stands behind it.
  if (host_room_.pool != nullptr) host_room_.pool->settle();
  if (reclaims > before)
    emit(Event::Kind::kReclaim, std::to_string(reclaims - before) + " payloads were coded further to keep the limit");
  if (const std::string reason = store.take_fallback_reason(); !reason.empty())
    emit(Event::Kind::kFallback, "kept as it was, among others: " + reason);
  if (const int64_t poisoned = memory().poisoned_groups(); poisoned > std::exchange(poisoned_groups_, poisoned))
    emit(Event::Kind::kWarning,
         "groups of values that cannot be coded (NaN, Inf or beyond 2^118) were saved; they decode to NaN. (Or "
         "max-pool indices outside of their windows, which decode to another cell.)");
  const int64_t limit = meter.limit() == memory::Meter::kNoLimit ? 0 : meter.limit();
  if (limit > 0 && meter.peak() > limit)
    emit(Event::Kind::kOverrun, "peak " + format_bytes(meter.peak()) + " passed the limit of " + format_bytes(limit));
  if (trace_) trace_iteration(began);
}

void Controller::trace_iteration(std::chrono::steady_clock::time_point began) {
  const Usage now = usage();
  trace_->span("step", began, step_started_, "", {{"number", now.steps}});
  trace_->counters("peak bytes", {{"in_use", now.device_peak_bytes}, {"payloads", now.charged_bytes}});
  session_->store->trace_detail(now.steps < options_.trace_steps);
  try {
    trace_->flush();
  } catch (const Error& error) {  // a full disk must not end the run
    trace_->close();
    emit(Event::Kind::kWarning, error.what());
  }
}

std::vector<SiteUsage> Controller::usage_by_site() const {
  return site_book_.read(*session_->store, *session_->sites, plan().get());
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

// A measurement that finds no memory is left out: it must not cost noise.
bool Controller::make_room(int64_t request_bytes) { return !replaying() && session_->store->make_room(request_bytes); }

MemoryBreakdown Controller::breakdown() const {
  MemoryBreakdown result;
  result.parameters_bytes = parameters_bytes_;
  result.gradients_bytes = gradients_bytes_;
  result.optimizer_bytes = optimizer_bytes_;
  result.payloads_bytes = session_->store->charged_ledger().totals().current;
  result.transients_bytes =
      std::max<int64_t>(0, memory().meter().current() - result.parameters_bytes - result.gradients_bytes -
                               result.optimizer_bytes - result.payloads_bytes);
  if (const auto p = profile()) result.floor_bytes = p->floor_bytes();
  return result;
}

bool Controller::overrun(int64_t request_bytes, MemoryBreakdown& result) {
  result = breakdown();
  if (replaying()) return false;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    last_overrun_ = result;
  }
  const bool granted = on_overrun_ == OnOverrun::kWarn;
  if (!granted && session_of(current_session(), memory().device()) == session_) cut_short_ = true;
  emit(Event::Kind::kOverrun, "a request of " + format_bytes(request_bytes) + " does not fit under the limit" +
                                  (granted ? "; granted (on_overrun is warn)" : "; refused"));
  return granted;
}

}  // namespace cinch::hooks
