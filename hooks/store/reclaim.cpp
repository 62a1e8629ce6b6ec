// The reclaimer: raw payloads first, oldest first, exact forms where they exist, else in host memory where there is
// some, else group_quant of 4 bits; then 4 bits to 2. Lossy steps stop where the noise bound's guess is reached.
#include <algorithm>

#include "hooks/observe/evaluate.h"
#include "hooks/store/coding_watch.h"
#include "hooks/store/store.h"

namespace cinch::hooks {
namespace {

CodecSpec group_quant(int64_t bits) { return CodecSpec{"group_quant", {{"bits", bits}}}; }

// How many times the variance of `bits` the variance of 2 bits is, less one: the step is (2^bits - 1) / 3 times as
// wide.
double further_to_two_bits(int64_t bits) {
  const double wider = static_cast<double>((int64_t{1} << bits) - 1) / 3.0;
  return wider * wider - 1.0;
}

}  // namespace

void Store::set_reserve(StorageEntry& entry, int64_t bytes) {
  if (entry.reserve > 0) reserves_.erase(reserves_.find(entry.reserve));
  entry.reserve = bytes;
  if (bytes > 0) reserves_.insert(bytes);
  if (reclaim_enabled_) keep_reserve();
}

// Without a limit there is nothing to keep it below: a full device is then made room on with what is left.
void Store::keep_reserve() {
  const bool limited = memory_.meter().limit() != memory::Meter::kNoLimit;
  memory_.set_reserve(reclaim_enabled_ && limited && !reserves_.empty() ? *reserves_.rbegin() : 0);
}

void Store::set_reclaim(bool enabled, double variance_bound, const std::function<bool(const std::string&)>& allowed,
                        std::function<bool(const std::string&)> untouchable) {
  const std::lock_guard<std::mutex> lock(mutex_);
  reclaim_enabled_ = enabled;
  reclaim_lossy_ = enabled && allowed("group_quant");
  reclaim_methods_.clear();
  for (const char* method : {"shape", "mask", "bits", "int", "offload"})
    if (enabled && allowed(method)) reclaim_methods_.insert(method);
  variance_bound_ = variance_bound;
  untouchable_ = std::move(untouchable);
  untouchable_sites_.clear();
  keep_reserve();
}

bool Store::is_untouchable(const Payload& payload) {
  if (!untouchable_) return false;
  for (const Want& want : payload.wants) {
    const auto [it, asked] = untouchable_sites_.try_emplace(want.site, false);
    if (asked) it->second = untouchable_((*sites_)[want.site].name);
    if (it->second) return true;
  }
  return false;
}

std::optional<Form> Store::reclaim_form(const Payload& payload) const {
  const char* const method = lossless_method(payload.wants, payload.dtype());
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!reclaim_methods_.contains(method)) return std::nullopt;
  }
  const CodecSpec spec{method, {}};
  return form_for(spec, shared_codec(spec), payload.wants, payload.span.numel, payload.dtype(), memory_.kind());
}

bool Store::spend(double variance) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (variance > 0 && spent_variance_ + variance > variance_bound_) return false;
  spent_variance_ += variance;
  return true;
}

// Beside an offloaded payload of the same storage one with a small lossless form takes that.
std::optional<Form> Store::offload_form(const Payload& payload) const {
  if (auto form = reclaim_form(payload); form && payload.measure(*form, context(payload))) return form;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!reclaim_methods_.contains("offload")) return std::nullopt;
  }
  if (payload.raw_values_bytes() < Offload::kLeastBytes) return std::nullopt;
  return form_for(CodecSpec{"offload", {}}, nullptr, payload.wants, payload.span.numel, payload.dtype(),
                  memory_.kind());
}

std::optional<Form> Store::form_to_reclaim(Payload& payload, Mode mode, double& variance) {
  if (mode == Mode::kLossless) return reclaim_form(payload);
  return mode == Mode::kOffload ? offload_form(payload) : lossy_form(payload, variance);
}

std::optional<Form> Store::lossy_form(Payload& payload, double& variance) {
  // Beside a lossy payload of the same storage a lossless one keeps its form.
  if (auto form = reclaim_form(payload)) return form;
  if (!reclaim_lossy_ || !is_codable_float(payload.dtype())) return std::nullopt;
  const auto codec = shared_codec(group_quant(4));
  auto form = form_for(codec->spec(), codec, payload.wants, payload.span.numel, payload.dtype(), memory_.kind());
  if (!form) return std::nullopt;
  const auto later = payload.later_stats();
  if (!later) return std::nullopt;
  const TensorStats stats = (*later)();  // waits for the device: memory is short, and the price must be known
  if (!stats.finite) return std::nullopt;
  const double cost = price(payload, stats, *codec, {weight_payloads(), sensitivities()});
  variance += cost;
  payload.noise_variance = cost;
  return form;
}

int64_t Store::reclaim_raw(Mode mode) {
  std::vector<EntryPtr> candidates;
  std::vector<std::shared_ptr<Payload>> others;  // see Store::save
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (const auto& [sequence, entry] : live_)
      if (!entry->given_up && !entry->busy && !(mode == Mode::kLossless && entry->lossless_failed) &&
          !(mode == Mode::kOffload && entry->offload_failed) && is_exclusive(*entry))
        candidates.push_back(entry);
    std::erase_if(candidates, [&](const EntryPtr& entry) {
      for (const auto& weak : entry->payloads)
        if (auto payload = weak.lock()) {
          const bool leave = is_untouchable(*payload);
          others.push_back(std::move(payload));
          if (leave) return true;
        }
      return false;
    });
  }
  others.clear();  // coding takes its time, and memory that others let go of meanwhile is what is wanted
  for (const EntryPtr& entry : candidates) {
    if (encode_entry(entry, mode)) {
      ++counters_.reclaims;
      const std::lock_guard<std::mutex> lock(mutex_);
      return std::max<int64_t>(1, entry->nbytes - entry->charged);
    }
  }
  return 0;
}

int64_t Store::reclaim_coded() {
  const auto coarser = shared_codec(group_quant(2));
  std::vector<EntryPtr> candidates;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (const auto& [sequence, entry] : live_)
      if (!entry->raw && !entry->given_up && !entry->busy) candidates.push_back(entry);
  }
  for (const EntryPtr& entry : candidates) {
    std::shared_ptr<Payload> payload;
    std::vector<std::shared_ptr<Payload>> others;  // see Store::save
    double extra = 0;
    int64_t bits = 0;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (entry->busy || entry->given_up) continue;
      for (const auto& weak : entry->payloads)
        if (auto p = weak.lock()) {
          const auto codec = p->values_codec();
          const int64_t now =
              codec && codec->spec().name == "group_quant" ? codec->spec().get_int("bits", 0) : int64_t{0};
          if (now > 2) {
            payload = p;
            bits = now;
          }
          others.push_back(std::move(p));
        }
      if (payload && is_untouchable(*payload)) payload.reset();
      if (payload) extra = payload->noise_variance * further_to_two_bits(bits);
      if (!payload || !reclaim_lossy_ || spent_variance_ + extra > variance_bound_) {
        entry->given_up = true;
        set_reserve(*entry, 0);
        continue;
      }
      spent_variance_ += extra;
      entry->busy = true;
    }
    others.clear();
    CodingWatch watch(*this, CodingWatch::Kind::kReclaim, entry->first_site);
    const int64_t before = payload->coded_bytes();
    bool done = false;
    try {
      done = payload->recode(coarser, context(*payload));
    } catch (const std::exception& error) {
      fall_back(error.what());
    }
    std::shared_ptr<StoreListener> listener;
    int64_t now = 0;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      entry->busy = false;
      if (!done) {
        spent_variance_ -= extra;
        entry->given_up = true;
        set_reserve(*entry, 0);
        continue;
      }
      now = entry->charged - before + payload->coded_bytes();
      charged_ledger_.recharge(entry->first_site, entry->charged, now);
      entry->charged = now;
      payload->noise_variance += extra;
      ++counters_.reclaims;
      listener = listener_;
    }
    watch.done(entry->nbytes, now);
    const int64_t freed = before - payload->coded_bytes();
    if (listener) listener->coded(*payload, freed);
    return std::max<int64_t>(1, freed);
  }
  return 0;
}

int64_t Store::reclaim_step() {
  int64_t step = reclaim_raw(Mode::kLossless);
  if (step == 0 && offload_) {
    step = reclaim_raw(Mode::kOffload);
    if (step > 0) offload_->give_back();  // whoever asks for memory waits, in his stream, for the copy
  }
  if (step == 0) step = reclaim_raw(Mode::kLossy);
  return step == 0 ? reclaim_coded() : step;
}

bool Store::make_room(int64_t request) {
  bool enabled = false;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    enabled = reclaim_enabled_;
  }
  if (!enabled && !offload_) return false;
  const int64_t before = memory_.in_use().current();
  if (enabled) poll();  // with a plan, what has become exclusive takes its planned form first
  int64_t freed = std::max<int64_t>(0, before - memory_.in_use().current());
  while (!memory_.fits(request, freed)) {
    // What copies still hold costs nothing to give back, so that needs no leave.
    int64_t step = offload_ ? offload_->give_back() : 0;
    if (step == 0 && enabled) step = reclaim_step();
    if (step == 0) break;
    freed += step;
  }
  return freed > 0;
}

}  // namespace cinch::hooks
