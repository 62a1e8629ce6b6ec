// What codes cost moves with the values: softmax results grow peaks, distributions get tails. While training runs, the
// options of a few payloads a step are evaluated anew, at the moment when the store is about to code them.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "cinch/budget.h"
#include "cinch/profile.h"
#include "hooks/observe/evaluate.h"
#include "hooks/store/store.h"

namespace cinch::hooks {

// Thread-safe.
class Refresh final : public StoreListener {
 public:
  // `rules`: as for a recorder.
  Refresh(std::shared_ptr<Store> store, std::shared_ptr<Sites> sites, std::vector<SiteRule> rules);

  // In the iteration that begins, payloads that these sites save are looked at.
  void choose(std::vector<std::string> sites);

  // Options and statistics of the profile's payloads as they were found last; noise is not priced anew. Payloads of
  // another size or type stay as they are.
  void apply(Profile& profile) const;

  void exclusive(Payload& payload) override;
  void saved(Payload&, const Want&, const View&, bool) override {}
  void unpacked(Payload&, const Want&) override {}
  void coded(Payload&, int64_t) override {}
  void freed(const RecordId&) override {}

 private:
  struct Found {
    DType dtype = DType::kFloat32;
    int64_t numel = 0;
    TensorStats stats;
    std::vector<Candidate> candidates;
  };

  const std::shared_ptr<Store> store_;
  const std::shared_ptr<Sites> sites_;
  const std::vector<SiteRule> rules_;
  mutable std::mutex mutex_;
  std::vector<std::string> chosen_;
  std::unordered_map<std::string, Found> found_;  // by the payload's first site
};

}  // namespace cinch::hooks
