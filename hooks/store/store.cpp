#include "hooks/store/store.h"

#include <algorithm>

#include "hooks/store/coding_watch.h"
#include "hooks/store/joint_pair.h"
#include "hooks/trace.h"

namespace cinch::hooks {
namespace {

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

Store::Store(const backend::DeviceMemory& memory, std::shared_ptr<Sites> sites, uint64_t seed)
    : memory_(memory), offload_(Offload::make(memory)), sites_(std::move(sites)), seed_(seed) {}

CodecContext Store::context(const Payload& payload) const {
  CodecContext context;
  context.seed = seed_;
  context.step = step_.load(std::memory_order_relaxed);
  context.site = payload.wants.empty() ? 0 : (*sites_)[payload.wants.front().site].hash;
  memory_.describe(context);
  return context;
}

Store::EntryPtr Store::entry_for(const at::Tensor& tensor, const Want& want) {
  const c10::StorageImpl* key = tensor.storage().unsafeGetStorageImpl();
  auto& slot = by_storage_[key];
  // What is being coded takes no new payloads: it would lose them. A second entry for the storage is coded later.
  if (slot && !slot->busy) return slot;
  slot = std::make_shared<StorageEntry>(tensor.storage());
  slot->key = key;
  slot->nbytes = static_cast<int64_t>(tensor.storage().nbytes());
  slot->sequence = next_sequence_++;
  slot->first_site = want.site;
  slot->charged = slot->nbytes;
  slot->metered = memory_.gives_back(tensor.storage().data_ptr());
  raw_ledger_.charge(want.site, slot->nbytes);
  charged_ledger_.charge(want.site, slot->nbytes);
  pending_.push_back(slot);
  live_[slot->sequence] = slot;
  return slot;
}

void Store::know_sites(SiteId up_to) {
  while (raw_ledger_.sites() <= up_to) {
    const std::string& name = (*sites_)[raw_ledger_.sites()].name;
    site_times_.add();
    charged_ledger_.add_site(name);
    raw_ledger_.add_site(name);
  }
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
    know_sites(want.site);
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
      ++entry->alive;
      ++entry->held;
      if (!entry->given_up) set_reserve(*entry, entry->reserve + coding_reserve(span.numel, kept.payload->dtype()));
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
  if (want.pair) {
    CodingWatch watch(*this, CodingWatch::Kind::kUnpack, want.site);
    if (auto stand_in = want.pair->unpack(want.place)) {
      watch.done(kept.payload->raw_values_bytes(), kept.payload->coded_bytes());
      return std::move(*stand_in);
    }
  }
  if (kept.payload->is_raw()) return kept.payload->unpack(want, kept.view);
  CodingWatch watch(*this, CodingWatch::Kind::kUnpack, want.site);
  watch.done(kept.payload->raw_values_bytes(), kept.payload->coded_bytes());
  return kept.payload->unpack(want, kept.view);
}

void Store::fall_back(const std::string& reason) {
  ++counters_.fallbacks;
  const std::lock_guard<std::mutex> lock(reason_mutex_);
  if (fallback_reason_.empty()) fallback_reason_ = reason.substr(0, reason.find('\n'));  // without torch's stack trace
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
      charged_ledger_.release(entry.first_site, entry.charged - left);
      entry.charged = left;
    }
    if (--entry.alive == 0) forget(entry);
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
  if (offload_) offload_->set_watched(listener != nullptr);
  const std::lock_guard<std::mutex> lock(mutex_);
  listener_.swap(listener);  // the old one goes after the lock
}

void Store::set_sensitivities(std::shared_ptr<const Sensitivities> measured) {
  const std::lock_guard<std::mutex> lock(mutex_);
  sensitivities_ = std::move(measured);
}

std::shared_ptr<const Sensitivities> Store::sensitivities() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return sensitivities_;
}

void Store::begin_iteration(uint64_t step, double planned_variance) {
  if (offload_) offload_->drop_early();
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

}  // namespace cinch::hooks
