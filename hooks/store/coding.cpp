// Coding payloads: when their storage has become exclusive, or when the reclaimer asks.
#include <algorithm>
#include <utility>

#include "hooks/store/coding_watch.h"
#include "hooks/store/joint_pair.h"
#include "hooks/store/store.h"

namespace cinch::hooks {
namespace {

using Work = std::vector<std::pair<std::shared_ptr<Payload>, Form>>;

int64_t missing_planes(const Form& form) {
  int64_t bytes = 0;
  for (const auto& pair : form.pairs) bytes += pair->missing_bytes();
  return bytes;
}

// Before the values go. Adds what was made to `bytes`; false when a plane cannot be made.
bool make_planes(const Work& work, int64_t& bytes) {
  for (const auto& item : work)
    for (const auto& pair : item.second.pairs) {
      const auto made = pair->make_plane();
      if (!made) return false;
      bytes += *made;
    }
  return true;
}

}  // namespace

bool Store::is_exclusive(const StorageEntry& entry) const {
  return entry.metered && entry.raw && entry.held > 0 && entry.weak.use_count() == entry.held;
}

void Store::poll() {
  if (memory_.capturing()) return;
  if (offload_) offload_->retire();
  std::vector<EntryPtr> ripe;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    std::erase_if(pending_, [&](const EntryPtr& entry) {
      if (entry->held == 0) return true;
      if (!is_exclusive(*entry)) return false;
      ripe.push_back(entry);
      return true;
    });
  }
  for (const EntryPtr& entry : ripe) {
    try {
      became_exclusive(entry);
    } catch (const std::exception& error) {  // the others are ripe too, and are not asked again
      fall_back(error.what());
    }
  }
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

std::optional<Form> Store::planned_form(Payload& payload) {
  const PolicyEntry* entry = nullptr;
  double variance = 0;
  for (const Want& want : payload.wants) {
    const PolicyEntry* found = policy_ ? policy_->find(want.site, *sites_) : nullptr;
    if (entry == nullptr) entry = found;
    if (found) variance += found->noise_variance;
  }
  if (entry == nullptr) {
    if (policy_) {
      ++unforeseen_;
      fall_back("the plan did not foresee " + site_name(payload.wants.front().site));
    }
    return std::nullopt;
  }
  if (entry->spec.name == "keep") return std::nullopt;
  auto form = form_for(entry->spec, entry->codec, payload.wants, payload.span.numel, payload.dtype(), memory_.kind());
  if (!form) fall_back("what " + site_name(payload.wants.front().site) + " needs has changed since the plan was made");
  if (form) payload.noise_variance = variance;
  return form;
}

// A storage goes as a whole or not at all: what is to stay as it is gets a copy of its own beside what is coded.
void Store::plan_entry(const std::vector<std::shared_ptr<Payload>>& all,
                       std::vector<std::pair<std::shared_ptr<Payload>, Form>>& work) {
  bool any = false;
  for (const auto& payload : all) {
    auto form = planned_form(*payload);
    any |= form.has_value();
    Form copy;
    copy.copy = true;
    work.emplace_back(payload, form ? std::move(*form) : copy);
  }
  if (!any) work.clear();
}

bool Store::encode_entry(const EntryPtr& entry, Mode mode) {
  CodingWatch watch(*this, mode == Mode::kPlanned ? CodingWatch::Kind::kPack : CodingWatch::Kind::kReclaim,
                    entry->first_site);
  std::vector<std::pair<std::shared_ptr<Payload>, Form>> work;
  std::vector<std::shared_ptr<Payload>> all;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (entry->busy || !is_exclusive(*entry)) return false;
    for (const auto& weak : entry->payloads)
      if (auto payload = weak.lock()) all.push_back(std::move(payload));
    if (mode == Mode::kPlanned) plan_entry(all, work);
    entry->busy = true;
  }
  double variance = 0, spent = 0;
  int64_t planes_bytes = 0, charged_bytes = 0;
  size_t coded = 0;
  bool done = false;
  try {
    if (mode != Mode::kPlanned)
      for (const auto& payload : all) {
        auto form = form_to_reclaim(*payload, mode, variance);
        if (form) work.emplace_back(payload, std::move(*form));
      }
    done = !work.empty() && work.size() == all.size() && spend(variance);
    if (done) spent = variance;
    while (done && coded < work.size()) {
      done = work[coded].first->encode(work[coded].second, context(*work[coded].first));
      coded += done ? 1 : 0;
    }
    int64_t bytes = 0;
    for (const auto& item : work) bytes += item.first->coded_bytes() + missing_planes(item.second);
    // Planes come last: they stay, even if what they were made for is not done.
    done = done && bytes < entry->nbytes && make_planes(work, planes_bytes);
  } catch (const std::exception& error) {  // for instance the system's memory ended before the limit did
    done = false;
    fall_back(error.what());
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
    if (done) {
      coded_now(entry, work);
      charged_bytes = entry->charged;
    } else {
      spent_variance_ -= spent;
      code_failed(*entry, mode, !work.empty());
    }
    listener = listener_;
  }
  for (const auto& item : work)
    for (const auto& pair : item.second.pairs) pair->charge();
  if (!done) return false;
  dropped.clear();
  watch.done(entry->nbytes, charged_bytes);
  if (listener) {
    int64_t rest = entry->nbytes - planes_bytes;  // what no payload covers, or several do, is freed once
    for (const auto& item : work) rest -= item.first->raw_values_bytes();
    for (const auto& item : work)
      listener->coded(*item.first, item.first->raw_values_bytes() - item.first->coded_bytes() + std::exchange(rest, 0));
  }
  return true;
}

void Store::coded_now(const EntryPtr& entry, const std::vector<std::pair<std::shared_ptr<Payload>, Form>>& work) {
  int64_t bytes = 0, reserve = 0;
  for (const auto& item : work) {
    bytes += item.first->coded_bytes();
    const auto codec = item.first->values_codec();
    // Coding further gives 2 bits at most, so that the raw payload's reserve, which plans leave free, is enough.
    if (codec && codec->error_class() != ErrorClass::kExact)
      reserve += std::min(item.first->coded_bytes(), coding_reserve(item.first->span.numel, item.first->dtype()));
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
  } else if (mode == Mode::kOffload) {
    entry.offload_failed = true;
  } else {
    entry.given_up = true;
    set_reserve(entry, 0);
  }
}

}  // namespace cinch::hooks
