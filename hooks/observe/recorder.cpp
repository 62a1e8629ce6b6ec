#include "hooks/observe/recorder.h"

#include <algorithm>
#include <functional>
#include <map>

#include "planner/noise_prior.h"

namespace cinch::hooks {

namespace {

uint64_t next_id() {
  static std::atomic<uint64_t> last{0};
  return ++last;
}

}  // namespace

Recorder::Recorder(std::shared_ptr<Store> store, std::shared_ptr<Sites> sites, std::vector<SiteRule> rules)
    : store_(std::move(store)), sites_(std::move(sites)), rules_(std::move(rules)), id_(next_id()) {
  store_->memory().in_use().take_interval_peak();
  timeline_.push_back({});
}

int32_t Recorder::event() {
  timeline_.back().bytes = store_->memory().in_use().take_interval_peak() + recoded_bytes_;
  timeline_.back().gradients_bytes = gradients_bytes_;
  timeline_.push_back({});
  return static_cast<int32_t>(timeline_.size()) - 1;
}

void Recorder::saved(Payload& payload, const Want& want, const View& view, bool first) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (finished_) return;
  if (first) {
    payload.record = {id_, static_cast<int32_t>(records_.size())};
    Record record;
    record.profile.dtype = payload.dtype();
    record.profile.numel = payload.span.numel;
    record.profile.raw_bytes = payload.raw_values_bytes();
    record.profile.saved_at = event();
    record.storage = payload.entry->sequence;
    record.storage_bytes = payload.entry->nbytes;
    ++storages_[record.storage].alive;
    records_.push_back(std::move(record));
  }
  if (!ours(payload)) return;  // made before this iteration
  Record& record = records_[static_cast<size_t>(payload.record.index)];
  record.wants.push_back(want);
  record.profile.sites.push_back(static_cast<int32_t>(site_profiles_.size()));
  const Site& site = (*sites_)[want.site];
  SiteProfile profile;
  profile.name = site.name;
  profile.layer = site.layer;
  profile.op = site.op;
  profile.slot = site.slot;
  profile.occurrence = site.occurrence;
  profile.need = want.need;
  profile.predicate = want.predicate;
  profile.sizes = view.sizes;
  profile.payload = payload.record.index;
  site_profiles_.push_back(std::move(profile));
}

void Recorder::exclusive(Payload& payload) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!ours(payload)) return;
  }
  auto stats = payload.later_stats();
  if (!stats) return;
  auto candidates =
      evaluate(payload, payload.raw_values_bytes(), asked_for(payload, rules_, *sites_), store_->context(payload));
  const std::lock_guard<std::mutex> lock(mutex_);
  if (finished_) return;
  Record& record = records_[static_cast<size_t>(payload.record.index)];
  record.stats = std::move(*stats);
  record.candidates = std::move(candidates);
  record.profile.exclusive_at = event();  // an instant of its own: raw and coded exist together while coding, not after
  event();
}

void Recorder::coded(Payload& payload, int64_t freed_bytes) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (finished_ || !ours(payload)) return;
  event();
  Record& record = records_[static_cast<size_t>(payload.record.index)];
  record.coded_bytes = payload.coded_bytes();
  storages_[record.storage].recoded_bytes += freed_bytes;
  recoded_bytes_ += freed_bytes;
}

void Recorder::gradients_take(int64_t bytes) {
  const std::lock_guard<std::mutex> lock(mutex_);
  gradients_bytes_ = bytes;
  told_gradients_ = timeline_.size();
}

void Recorder::gradients_took(int64_t bytes) {
  const std::lock_guard<std::mutex> lock(mutex_);
  for (size_t i = told_gradients_; i < timeline_.size(); ++i) timeline_[i].gradients_bytes = bytes;
  gradients_bytes_ = bytes;
  told_gradients_ = std::max<size_t>(1, timeline_.size());
}

void Recorder::close(const OpenUse& open, int32_t last) {
  Use& use = records_[static_cast<size_t>(open.record)].profile.uses[open.use];
  use.end = std::max(last, use.begin);
  recoded_bytes_ += open.decoded_bytes;
}

void Recorder::close_uses(int32_t last) {
  for (const OpenUse& open : open_uses_) close(open, last);
  open_uses_.clear();
}

void Recorder::unpacked(Payload& payload, const Want& want) {
  const torch::autograd::Node* node = torch::autograd::get_current_node().get();
  const std::lock_guard<std::mutex> lock(mutex_);
  if (finished_ || !ours(payload)) return;
  const int32_t now = event();
  if (node != open_node_ || node == nullptr) close_uses(now - 1);
  open_node_ = node;
  auto& uses = records_[static_cast<size_t>(payload.record.index)].profile.uses;
  bool decoded_before = false;
  for (const OpenUse& open : open_uses_)
    decoded_before |= open.record == payload.record.index && open.decoded_bytes > 0;
  const bool decodes = payload.decodes(want) && !decoded_before;
  uses.push_back({now, -1});
  open_uses_.push_back({payload.record.index, uses.size() - 1, decodes ? payload.raw_values_bytes() : 0});
  if (decodes) recoded_bytes_ -= payload.raw_values_bytes();
}

void Recorder::freed(const RecordId& id) {
  if (id.recorder != id_) return;
  const int32_t index = id.index;
  const std::lock_guard<std::mutex> lock(mutex_);
  if (finished_) return;
  const int32_t now = event();
  Record& record = records_[static_cast<size_t>(index)];
  std::erase_if(open_uses_, [&](const OpenUse& open) {
    if (open.record == index) close(open, now - 1);
    return open.record == index;
  });
  Shared& shared = storages_[record.storage];
  const int64_t change = --shared.alive == 0 ? -shared.recoded_bytes : record.coded_bytes;
  shared.recoded_bytes += change;
  recoded_bytes_ += change;
  record.profile.freed_at = now;
  record.freed = true;
}

void Recorder::share_storages() {
  std::map<uint64_t, std::vector<Record*>> by_storage;
  for (Record& record : records_) by_storage[record.storage].push_back(&record);
  for (auto& [storage, records] : by_storage) {
    // What the views leave uncovered is kept alive by them all the same; what several cover is counted once. Both go to
    // the largest, so that no share becomes less than its coded forms for as long as that is possible.
    int64_t rest = records.front()->storage_bytes;
    for (const Record* record : records) rest -= record->profile.raw_bytes;
    std::ranges::stable_sort(records, std::greater<>(), [](const Record* r) { return r->profile.raw_bytes; });
    for (Record* record : records) {
      const int64_t share = std::max<int64_t>(1, record->profile.raw_bytes + rest);
      rest += record->profile.raw_bytes - share;
      record->profile.raw_bytes = share;
      if (!record->candidates.empty()) record->candidates.front().option.charged_bytes = share;
    }
  }
}

// No plan may put more into the host pool than it holds, and the solver knows one limit only. So `offload` is offered
// to as many payloads as fit together, in the order of saving: the earliest are kept longest, and back the latest.
void Recorder::bound_offload() {
  const backend::HostPool* pool = store_->memory().host_pool();
  int64_t room = pool == nullptr ? 0 : pool->bound();
  for (Record& record : records_)
    std::erase_if(record.candidates, [&](const Candidate& candidate) {
      if (candidate.option.spec.name != "offload") return false;
      const int64_t bytes = backend::HostPool::class_bytes(record.profile.numel * dtype_bytes(record.profile.dtype));
      if (bytes > room) return true;
      room -= bytes;
      return false;
    });
}

// Where freed memory stays reserved, the limit is on what is reserved: what the iteration needed beside its tensors is
// part of every instant.
void Recorder::add_fragments() {
  const auto& memory = store_->memory();
  const int64_t fragments = std::max<int64_t>(0, memory.meter().peak() - memory.in_use().peak());
  for (Instant& instant : timeline_) instant.bytes += fragments;
}

Profile Recorder::finish() {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (std::exchange(finished_, true)) return {};
  const int32_t end = event();
  close_uses(end - 1);
  timeline_.pop_back();
  share_storages();
  add_fragments();
  bound_offload();
  int64_t weight_payloads = 0;
  for (const Record& record : records_)
    for (const Want& want : record.wants) weight_payloads += want.reach == Reach::kWeightGrad ? 1 : 0;
  const Prices prices{weight_payloads, store_->sensitivities()};
  Profile profile;
  profile.timeline = std::move(timeline_);
  profile.sites = std::move(site_profiles_);
  std::map<uint64_t, int64_t> reserves;  // payloads of one storage are coded together
  for (const Record& record : records_)
    reserves[record.storage] += coding_reserve(record.profile.numel, record.profile.dtype);
  for (const auto& [storage, bytes] : reserves)
    profile.reserve_bytes = std::max(profile.reserve_bytes, store_->memory().reserve_for(bytes));
  for (Record& record : records_) {
    PayloadProfile& payload = record.profile;
    if (!record.freed) payload.freed_at = end - 1;
    payload.freed_at = std::min(payload.freed_at, end - 1);
    if (record.candidates.empty()) {
      record.candidates.resize(1);
      record.candidates[0].option.charged_bytes = payload.raw_bytes;
    }
    if (record.stats) payload.stats = record.stats();
    if (record.stats) estimate(record.candidates, payload.stats, payload.numel, payload.dtype);
    for (const Candidate& candidate : record.candidates)
      payload.options.push_back(option_of(candidate, payload.uses.size()));
    for (size_t i = 0; i < record.wants.size(); ++i) {
      SiteProfile& site = profile.sites[static_cast<size_t>(payload.sites[i])];
      prices.fill(site, record.wants[i], site.name);
    }
    profile.payloads.push_back(std::move(payload));
  }
  planner::reprice(profile);
  return profile;
}

}  // namespace cinch::hooks
