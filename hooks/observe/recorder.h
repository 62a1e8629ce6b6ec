// Watches one iteration with every payload raw and writes down what a plan needs.
#pragma once

#include <torch/csrc/autograd/function.h>

#include <functional>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "cinch/budget.h"
#include "cinch/profile.h"
#include "hooks/observe/evaluate.h"
#include "hooks/store/store.h"

namespace cinch::hooks {

// Begins when made and ends with finish(); instants are the intervals between events. Thread-safe: what another thread
// tells after the end is not written down.
class Recorder final : public StoreListener {
 public:
  // `rules`: the specs that they name are offered where they match, beside the usual ones.
  Recorder(std::shared_ptr<Store> store, std::shared_ptr<Sites> sites, std::vector<SiteRule> rules = {});

  void saved(Payload& payload, const Want& want, const View& view, bool first) override;
  void exclusive(Payload& payload) override;
  void unpacked(Payload& payload, const Want& want) override;
  void coded(Payload& payload, int64_t freed_bytes) override;
  void freed(const RecordId& record) override;

  // Parameters' gradients take so many bytes: from now on, or since they were told of last, but for the instant in
  // which the iteration began (a loop clears them there).
  void gradients_take(int64_t bytes);
  void gradients_took(int64_t bytes);

  // Ends the iteration; empty when called again. Sizes of parameters and the like, versions and device are the caller's
  // to fill in.
  Profile finish();

 private:
  struct Record {
    PayloadProfile profile;
    std::vector<Want> wants;
    std::vector<Candidate> candidates;
    std::function<TensorStats()> stats;  // asked at the end: a device must not be waited for before
    uint64_t storage = 0;                // the entry's sequence number
    int64_t storage_bytes = 0;
    int64_t coded_bytes = 0;  // 0: raw
    bool freed = false;
  };
  // Raw, a storage would live until the last of its payloads is freed.
  struct Shared {
    int32_t alive = 0;
    int64_t recoded_bytes = 0;  // fewer than that by now
  };
  struct OpenUse {
    int32_t record;
    size_t use;
    int64_t decoded_bytes;  // a decode buffer is alive, which a raw payload would not need
  };

  bool ours(const Payload& payload) const { return payload.record.recorder == id_; }  // mutex held
  int32_t event();                                                                    // mutex held
  void close_uses(int32_t last);                                                      // mutex held
  void close(const OpenUse& open, int32_t last);                                      // mutex held
  void share_storages();
  void add_fragments();
  void bound_offload();

  const std::shared_ptr<Store> store_;
  const std::shared_ptr<Sites> sites_;
  const std::vector<SiteRule> rules_;
  const uint64_t id_;  // payloads of an earlier iteration may still be alive
  std::mutex mutex_;
  bool finished_ = false;
  std::vector<Instant> timeline_;
  int64_t gradients_bytes_ = 0;
  size_t told_gradients_ = 1;  // instants before this one know theirs
  std::vector<Record> records_;
  std::vector<SiteProfile> site_profiles_;
  std::unordered_map<uint64_t, Shared> storages_;
  std::vector<OpenUse> open_uses_;
  const torch::autograd::Node* open_node_ = nullptr;
  int64_t recoded_bytes_ = 0;  // of live payloads: the timeline shows every payload raw, whatever the reclaimer did
};

}  // namespace cinch::hooks
