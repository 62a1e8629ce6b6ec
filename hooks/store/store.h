// Where payloads live: one payload per tensor, coded as soon as nobody but autograd holds the tensor, and coded further
// when memory runs out. Thread-safe. Outlives its guard as long as a graph needs it.
#pragma once

#include <ATen/core/Tensor.h>

#include <atomic>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <unordered_map>
#include <vector>

#include "hooks/policy.h"
#include "hooks/replay/sensitivities.h"
#include "hooks/sites.h"
#include "hooks/store/payload.h"
#include "hooks/store/site_times.h"
#include "src/backend/torch/device_memory.h"
#include "src/memory/ledger.h"
#include "src/trace/trace_log.h"

namespace cinch::hooks {

// A storage of which payloads were made. Guarded by the store's mutex.
struct StorageEntry {
  explicit StorageEntry(const c10::Storage& storage) : weak(storage.getWeakStorageImpl()) {}
  c10::weak_intrusive_ptr<c10::StorageImpl> weak;
  const c10::StorageImpl* key = nullptr;
  int64_t nbytes = 0;
  uint64_t sequence = 0;   // order of saving
  SiteId first_site = -1;  // charged for it
  int64_t charged = 0;
  int64_t reserve = 0;   // what coding it may need; 0 once it need not be coded any more
  uint32_t alive = 0;    // payloads not yet freed
  uint32_t held = 0;     // raw aliases of ours
  bool metered = false;  // dropping it gives bytes back
  bool raw = true;
  bool busy = false;             // being coded
  bool given_up = false;         // cannot be coded (further)
  bool lossless_failed = false;  // a lossless form declined or does not exist
  bool offload_failed = false;   // nor can it be offloaded
  std::vector<std::weak_ptr<Payload>> payloads;
};

// Told of what happens, in order, under no lock of the store. Implemented by the recorder.
class StoreListener {
 public:
  virtual ~StoreListener() = default;
  virtual void saved(Payload& payload, const Want& want, const View& view, bool first) = 0;
  virtual void exclusive(Payload& payload) = 0;
  virtual void unpacked(Payload& payload, const Want& want) = 0;
  virtual void coded(Payload& payload, int64_t freed_bytes) = 0;
  virtual void freed(const RecordId& record) = 0;
};

struct StoreCounters {
  std::atomic<int64_t> reclaims{0}, fallbacks{0};
  std::atomic<int64_t> pack_nanoseconds{0}, unpack_nanoseconds{0};
};

class Store : public std::enable_shared_from_this<Store> {
 public:
  Store(const backend::DeviceMemory& memory, std::shared_ptr<Sites> sites, uint64_t seed);

  struct Kept {
    std::shared_ptr<Payload> payload;
    View view;
  };
  // Keeps `tensor` for `want`. The tensor is strided, on the store's device, with a storage of its own.
  Kept save(const at::Tensor& tensor, const Want& want);
  at::Tensor unpack(const Kept& kept, const Want& want);

  // Codes everything that autograd alone holds by now.
  void poll();
  // Frees memory until `request` more bytes fit; true when something was freed.
  bool make_room(int64_t request);

  // Null: nothing is planned, payloads stay raw.
  void set_policy(std::shared_ptr<const Policy> policy);
  void set_listener(std::shared_ptr<StoreListener> listener);
  // Whether the reclaimer may work, how much relative gradient variance plan and reclaimer may add per iteration, and
  // with which methods. Sites for which `untouchable` answers true are left alone.
  void set_reclaim(bool enabled, double variance_bound, const std::function<bool(const std::string&)>& allowed,
                   std::function<bool(const std::string&)> untouchable);
  void begin_iteration(uint64_t step, double planned_variance);
  // What errors cost where it has been measured; null: nowhere.
  void set_sensitivities(std::shared_ptr<const Sensitivities> measured);
  std::shared_ptr<const Sensitivities> sensitivities() const;

  // For coding or decoding now, on this thread.
  CodecContext context(const Payload& payload) const;
  const backend::DeviceMemory& memory() const { return memory_; }
  std::string site_name(SiteId site) const { return (*sites_)[site].name; }
  void payload_freed(Payload& payload, at::Tensor raw);

  // Null where nothing can be offloaded.
  Offload* offload() const { return offload_.get(); }

  // Set before the first save, if at all: payloads that are coded and decoded are told to it while `detail` is on.
  void set_trace(std::shared_ptr<trace::TraceLog> trace) { trace_ = std::move(trace); }
  void trace_detail(bool on) { trace_detail_.store(on, std::memory_order_relaxed); }
  trace::TraceLog* trace() const { return trace_detail_.load(std::memory_order_relaxed) ? trace_.get() : nullptr; }

  SiteTimes& site_times() { return site_times_; }
  memory::Ledger& raw_ledger() { return raw_ledger_; }
  memory::Ledger& charged_ledger() { return charged_ledger_; }
  StoreCounters& counters() { return counters_; }
  // Counts a fallback and keeps its reason until it is asked for.
  void fall_back(const std::string& reason);
  std::string take_fallback_reason();
  // Saves of an iteration whose error stays in one weight's gradient; prices depend on their number. Of the last
  // finished iteration; before that, the larger of those seen so far and what was said to be expected.
  int64_t weight_payloads() const { return std::max(weight_payloads_.load(), weight_payloads_now_.load()); }
  void expect_weight_payloads(int64_t count) { weight_payloads_.store(std::max(weight_payloads_.load(), count)); }
  double spent_variance() const;
  // Sites that the policy did not foresee, since the iteration began.
  int64_t unforeseen() const { return unforeseen_.load(); }

 private:
  using EntryPtr = std::shared_ptr<StorageEntry>;
  void know_sites(SiteId up_to);                                   // mutex held
  EntryPtr entry_for(const at::Tensor& tensor, const Want& want);  // mutex held
  bool is_exclusive(const StorageEntry& entry) const;              // mutex held
  void became_exclusive(const EntryPtr& entry);
  std::optional<Form> planned_form(Payload& payload);  // mutex held
  void plan_entry(const std::vector<std::shared_ptr<Payload>>& all,
                  std::vector<std::pair<std::shared_ptr<Payload>, Form>>& work);  // mutex held
  std::optional<Form> reclaim_form(const Payload& payload) const;
  std::optional<Form> offload_form(const Payload& payload) const;
  std::optional<Form> lossy_form(Payload& payload, double& variance);
  // Books the variance, or answers false when the bound would be passed.
  bool spend(double variance);
  enum class Mode : uint8_t { kPlanned, kLossless, kOffload, kLossy };
  std::optional<Form> form_to_reclaim(Payload& payload, Mode mode, double& variance);
  bool encode_entry(const EntryPtr& entry, Mode mode);
  void coded_now(const EntryPtr& entry,
                 const std::vector<std::pair<std::shared_ptr<Payload>, Form>>& work);  // mutex held
  void code_failed(StorageEntry& entry, Mode mode, bool tried);                        // mutex held
  // Bytes that were given back; 0: nothing could be coded.
  int64_t reclaim_raw(Mode mode);
  int64_t reclaim_coded();
  int64_t reclaim_step();
  void set_reserve(StorageEntry& entry, int64_t bytes);  // mutex held
  void keep_reserve();                                   // mutex held
  void forget(StorageEntry& entry);                      // mutex held
  bool is_untouchable(const Payload& payload);           // mutex held

  const backend::DeviceMemory& memory_;
  const std::shared_ptr<Offload> offload_;
  const std::shared_ptr<Sites> sites_;
  const uint64_t seed_;
  mutable std::mutex mutex_;
  std::unordered_map<const c10::StorageImpl*, EntryPtr> by_storage_;
  std::vector<EntryPtr> pending_;      // not yet exclusive
  std::map<uint64_t, EntryPtr> live_;  // by sequence
  std::multiset<int64_t> reserves_;
  uint64_t next_sequence_ = 0;
  std::shared_ptr<const Policy> policy_;
  std::shared_ptr<StoreListener> listener_;
  std::shared_ptr<const Sensitivities> sensitivities_;
  std::function<bool(const std::string&)> untouchable_;
  std::unordered_map<SiteId, bool> untouchable_sites_;
  bool reclaim_enabled_ = false;
  std::atomic<bool> reclaim_lossy_{true};
  std::set<std::string> reclaim_methods_;  // lossless ones
  double variance_bound_ = 0, spent_variance_ = 0;
  std::atomic<uint64_t> step_{0};
  std::atomic<int64_t> weight_payloads_{0}, weight_payloads_now_{0};
  memory::Ledger raw_ledger_, charged_ledger_;
  std::atomic<int64_t> unforeseen_{0};
  SiteTimes site_times_;
  std::shared_ptr<trace::TraceLog> trace_;
  std::atomic<bool> trace_detail_{false};
  std::mutex reason_mutex_;
  std::string fallback_reason_;
  StoreCounters counters_;
};

}  // namespace cinch::hooks
