#include "hooks/store/store.h"

#include <algorithm>
#include <chrono>

#include "hooks/trace.h"
#include "src/backend/torch/executor.h"
#include "src/backend/torch/metered_allocator.h"

namespace cinch::hooks {
namespace {

// Bytes that coding this much raw may need at once: 4 bits, sides, one mask; recoding later needs less.
int64_t coding_reserve(const Payload& payload) {
  const int64_t n = payload.span.numel;
  if (is_codable_float(payload.dtype())) return n / 2 + n / 32 + n / 8 + 4 * kPartAlignment;
  return n / 8 + 2 * kPartAlignment;
}

class Stopwatch {
 public:
  explicit Stopwatch(std::atomic<int64_t>& total) : total_(total), start_(std::chrono::steady_clock::now()) {}
  ~Stopwatch() {
    total_ += std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::atomic<int64_t>& total_;
  std::chrono::steady_clock::time_point start_;
};

View view_of(const at::Tensor& tensor, const Span& span) {
  return {tensor.sizes().vec(), tensor.strides().vec(), tensor.storage_offset() - span.begin};
}

// Dense tensors are kept as they are; a view with gaps or overlaps keeps its whole storage alive anyway, so the whole
// storage is the payload, and every such view of it shares one.
Span span_of(const at::Tensor& tensor) {
  if (tensor.is_non_overlapping_and_dense()) return {tensor.storage_offset(), tensor.numel(), tensor.scalar_type()};
  return {0, static_cast<int64_t>(tensor.storage().nbytes() / tensor.itemsize()), tensor.scalar_type()};
}

}  // namespace

Store::Store(std::shared_ptr<Sites> sites, uint64_t seed) : sites_(std::move(sites)), seed_(seed) {}

CodecContext Store::context(const Payload& payload) const {
  CodecContext context;
  context.seed = seed_;
  context.step = step_.load(std::memory_order_relaxed);
  context.site = payload.wants.empty() ? 0 : (*sites_)[payload.wants.front().site].hash;
  context.executor = &backend::torch_executor();
  return context;
}

Store::EntryPtr Store::entry_for(const at::Tensor& tensor, const Want& want) {
  const c10::StorageImpl* key = tensor.storage().unsafeGetStorageImpl();
  auto& slot = by_storage_[key];
  if (slot) return slot;
  slot = std::make_shared<StorageEntry>(tensor.storage());
  slot->key = key;
  slot->nbytes = static_cast<int64_t>(tensor.storage().nbytes());
  slot->sequence = next_sequence_++;
  slot->first_site = want.site;
  slot->charged = slot->nbytes;
  slot->metered = backend::is_metered(tensor.storage().data_ptr());
  for (; ledger_sites_ <= want.site; ++ledger_sites_) {
    raw_ledger_.add_site((*sites_)[ledger_sites_].name);
    charged_ledger_.add_site((*sites_)[ledger_sites_].name);
  }
  raw_ledger_.charge(want.site, slot->nbytes);
  charged_ledger_.charge(want.site, slot->nbytes);
  pending_.push_back(slot);
  live_[slot->sequence] = slot;
  return slot;
}

Store::Kept Store::save(const at::Tensor& tensor, const Want& want) {
  poll();
  const Span span = span_of(tensor);
  Kept kept;
  kept.view = view_of(tensor, span);
  std::shared_ptr<StoreListener> listener;
  bool first = false;
  std::vector<std::shared_ptr<Payload>> others;  // a last reference must not go under the lock: its end takes the lock
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    const EntryPtr entry = entry_for(tensor, want);
    for (const auto& weak : entry->payloads) {
      auto payload = weak.lock();
      // The same values still: nobody wrote since they were saved.
      if (payload && payload->span == span && payload->version.current_version() == payload->saved_version)
        kept.payload = payload;
      others.push_back(std::move(payload));
    }
    if (!kept.payload) {
      first = true;
      kept.payload = std::make_shared<Payload>(shared_from_this(), entry, span, tensor);
      entry->payloads.push_back(kept.payload);
      ++entry->held;
      if (!entry->given_up) set_reserve(*entry, entry->reserve + coding_reserve(*kept.payload));
    }
    kept.payload->wants.push_back(want);
    listener = listener_;
  }
  if (want.reach == Reach::kWeightGrad) weight_payloads_now_.fetch_add(1, std::memory_order_relaxed);
  if (listener) listener->saved(*kept.payload, want, kept.view, first);
  return kept;
}

at::Tensor Store::unpack(const Kept& kept, const Want& want) {
  std::shared_ptr<StoreListener> listener;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    listener = listener_;
  }
  if (listener) listener->unpacked(*kept.payload, want);
  if (kept.payload->is_raw()) return kept.payload->unpack(want, kept.view);
  const Stopwatch watch(counters_.unpack_nanoseconds);
  return kept.payload->unpack(want, kept.view);
}

bool Store::is_exclusive(const StorageEntry& entry) const {
  return entry.metered && entry.raw && entry.held > 0 && entry.weak.use_count() == entry.held;
}

void Store::poll() {
  std::vector<EntryPtr> ripe;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    std::erase_if(pending_, [&](const EntryPtr& entry) {
      if (entry->held == 0) return true;
      if (!is_exclusive(*entry)) return false;
      entry->exclusive = true;
      ripe.push_back(entry);
      return true;
    });
  }
  for (const EntryPtr& entry : ripe) became_exclusive(entry);
}

void Store::became_exclusive(const EntryPtr& entry) {
  std::shared_ptr<StoreListener> listener;
  std::vector<std::shared_ptr<Payload>> payloads;
  bool planned = false;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    listener = listener_;
    planned = policy_ != nullptr;
    for (const auto& weak : entry->payloads)
      if (auto payload = weak.lock()) payloads.push_back(std::move(payload));
  }
  if (listener)
    for (const auto& payload : payloads) listener->exclusive(*payload);
  if (planned) encode_entry(entry, Mode::kPlanned);
}

std::optional<Form> Store::planned_form(const Payload& payload) {
  const PolicyEntry* entry = nullptr;
  for (const Want& want : payload.wants)
    if (entry == nullptr && policy_) entry = policy_->find(want.site, *sites_);
  if (entry == nullptr) {
    if (policy_) {
      ++unforeseen_;
      fall_back("the plan did not foresee " + site_name(payload.wants.front().site));
    }
    return std::nullopt;
  }
  if (entry->spec.name == "keep") return std::nullopt;
  auto form = form_for(entry->spec, entry->codec, payload.wants, payload.dtype());
  if (!form) fall_back("what " + site_name(payload.wants.front().site) + " needs has changed since the plan was made");
  return form;
}

bool Store::encode_entry(const EntryPtr& entry, Mode mode) {
  const Stopwatch watch(counters_.pack_nanoseconds);
  std::vector<std::pair<std::shared_ptr<Payload>, Form>> work;
  std::vector<std::shared_ptr<Payload>> all;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (entry->busy || !is_exclusive(*entry)) return false;
    entry->busy = true;
    for (const auto& weak : entry->payloads)
      if (auto payload = weak.lock()) all.push_back(std::move(payload));
    if (mode == Mode::kPlanned)
      for (const auto& payload : all)
        if (auto form = planned_form(*payload)) work.emplace_back(payload, std::move(*form));
  }
  double variance = 0;
  if (mode != Mode::kPlanned)
    for (const auto& payload : all) {
      auto form =
          mode == Mode::kLossless ? lossless_form(payload->wants, payload->dtype()) : lossy_form(*payload, variance);
      if (form) work.emplace_back(payload, std::move(*form));
    }
  bool done = !work.empty() && work.size() == all.size();
  size_t coded = 0;
  while (done && coded < work.size()) {
    done = work[coded].first->encode(work[coded].second, context(*work[coded].first));
    coded += done ? 1 : 0;
  }
  std::shared_ptr<StoreListener> listener;
  std::vector<at::Tensor> dropped;  // outside the lock: a deleter may run any code
  if (!done)
    for (size_t i = 0; i < coded; ++i) work[i].first->discard_coded();
  else
    for (const auto& item : work) dropped.push_back(item.first->release_raw());
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    entry->busy = false;
    if (!done) {
      code_failed(*entry, mode, !work.empty());
      return false;
    }
    coded_now(entry, work);
    spent_variance_ += variance;
    listener = listener_;
  }
  dropped.clear();
  if (listener)
    for (const auto& item : work)
      listener->coded(*item.first, item.first->raw_values_bytes() - item.first->coded_bytes());
  return true;
}

void Store::coded_now(const EntryPtr& entry, const std::vector<std::pair<std::shared_ptr<Payload>, Form>>& work) {
  int64_t bytes = 0, reserve = 0;
  for (const auto& item : work) {
    bytes += item.first->coded_bytes();
    const auto codec = item.first->values_codec();
    if (codec && codec->error_class() != ErrorClass::kExact) reserve += item.first->coded_bytes();
  }
  entry->raw = false;
  entry->held = 0;
  charged_ledger_.recharge(entry->first_site, entry->charged, bytes);
  entry->charged = bytes;
  set_reserve(*entry, reserve);
  if (const auto it = by_storage_.find(entry->key); it != by_storage_.end() && it->second == entry)
    by_storage_.erase(it);
}

void Store::code_failed(StorageEntry& entry, Mode mode, bool tried) {
  if (mode == Mode::kPlanned) {
    if (tried) fall_back(site_name(entry.first_site) + " could not be coded as planned");
  } else if (mode == Mode::kLossless) {
    entry.lossless_failed = true;
  } else {
    entry.given_up = true;
    set_reserve(entry, 0);
  }
}

void Store::fall_back(const std::string& reason) {
  ++counters_.fallbacks;
  const std::lock_guard<std::mutex> lock(reason_mutex_);
  if (fallback_reason_.empty()) fallback_reason_ = reason;
}

std::string Store::take_fallback_reason() {
  const std::lock_guard<std::mutex> lock(reason_mutex_);
  return std::exchange(fallback_reason_, {});
}

void Store::payload_freed(Payload& payload, at::Tensor raw) {
  std::shared_ptr<StoreListener> listener;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    StorageEntry& entry = *payload.entry;
    std::erase_if(entry.payloads, [](const auto& weak) { return weak.expired(); });
    if (raw.defined()) {
      if (entry.held > 0) --entry.held;
    } else {
      const int64_t left = entry.charged - payload.coded_bytes();
      charged_ledger_.recharge(entry.first_site, entry.charged, left);
      entry.charged = left;
    }
    if (entry.payloads.empty()) forget(entry);
    listener = listener_;
  }
  if (listener) listener->freed(payload.record);
}

void Store::forget(StorageEntry& entry) {
  raw_ledger_.release(entry.first_site, entry.nbytes);
  charged_ledger_.release(entry.first_site, entry.charged);
  entry.charged = 0;
  set_reserve(entry, 0);
  if (const auto it = by_storage_.find(entry.key); it != by_storage_.end() && it->second.get() == &entry)
    by_storage_.erase(it);
  std::erase_if(pending_, [&](const EntryPtr& other) { return other.get() == &entry; });
  live_.erase(entry.sequence);  // may destroy the entry's last owner but the payload's
}

void Store::set_policy(std::shared_ptr<const Policy> policy) {
  const std::lock_guard<std::mutex> lock(mutex_);
  policy_ = std::move(policy);
}

void Store::set_listener(std::shared_ptr<StoreListener> listener) {
  const std::lock_guard<std::mutex> lock(mutex_);
  listener_.swap(listener);  // the old one goes after the lock
}

void Store::begin_iteration(uint64_t step, double planned_variance) {
  const std::lock_guard<std::mutex> lock(mutex_);
  step_.store(step);
  spent_variance_ = planned_variance;
  unforeseen_.store(0);
  weight_payloads_.store(weight_payloads_now_.exchange(0));
}

double Store::spent_variance() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return spent_variance_;
}

int64_t Store::live_payloads() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  int64_t count = 0;
  for (const auto& item : live_) count += static_cast<int64_t>(item.second->payloads.size());
  return count;
}

}  // namespace cinch::hooks
