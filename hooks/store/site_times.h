// Time that sites' payloads cost, by site. Any thread; no lock while counting.
#pragma once

#include <atomic>
#include <cstdint>

#include "src/memory/chunked.h"

namespace cinch::hooks {

struct SiteTime {
  std::atomic<int64_t> pack_nanoseconds{0}, unpack_nanoseconds{0};
};

using SiteTimes = memory::Chunked<SiteTime>;

}  // namespace cinch::hooks
