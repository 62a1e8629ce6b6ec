#include "hooks/store/coding_watch.h"

#include <exception>

namespace cinch::hooks {

CodingWatch::~CodingWatch() {
  const auto end = std::chrono::steady_clock::now();
  const int64_t spent = std::chrono::duration_cast<std::chrono::nanoseconds>(end - start_).count();
  SiteTime& site = store_.site_times()[site_];
  if (kind_ == Kind::kUnpack) {
    store_.counters().unpack_nanoseconds += spent;
    site.unpack_nanoseconds += spent;
  } else {
    store_.counters().pack_nanoseconds += spent;
    site.pack_nanoseconds += spent;
  }
  if (raw_bytes_ >= 0) trace(end);
}

void CodingWatch::trace(std::chrono::steady_clock::time_point end) noexcept {
  trace::TraceLog* log = store_.trace();
  if (log == nullptr) return;
  static constexpr const char* kNames[] = {"pack", "reclaim", "unpack"};
  try {
    log->span(kNames[static_cast<int>(kind_)], start_, end, store_.site_name(site_),
              {{"raw_bytes", raw_bytes_}, {"charged_bytes", charged_bytes_}});
    log->counters("bytes", {{"in_use", store_.memory().in_use().current()},
                            {"payloads", store_.charged_ledger().totals().current}});
  } catch (const std::exception&) {
    // An event without memory for it is left out.
  }
}

}  // namespace cinch::hooks
