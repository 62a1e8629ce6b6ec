// What sites did in the last iteration, read from the store's ledgers.
#pragma once

#include <cstdint>
#include <mutex>
#include <vector>

#include "cinch/plan.h"
#include "cinch/usage.h"
#include "hooks/sites.h"
#include "hooks/store/store.h"

namespace cinch::hooks {

// Thread-safe.
class SiteBook {
 public:
  // What was let go of since the last call is this iteration's.
  void end_iteration(Store& store);
  // `plan`: the one in force, or null.
  std::vector<SiteUsage> read(Store& store, const Sites& sites, const Plan* plan) const;

 private:
  struct Bytes {
    int64_t raw = 0, charged = 0;
  };
  mutable std::mutex mutex_;
  std::vector<Bytes> released_, last_;  // by site: since the start, in the last iteration
};

}  // namespace cinch::hooks
