// Times one coding or decoding for whoever counts it: the store's counters, the site's, and the trace.
#pragma once

#include <chrono>
#include <cstdint>

#include "hooks/store/store.h"

namespace cinch::hooks {

// The scope's time counts, whatever comes of it; the trace shows what was done.
class CodingWatch {
 public:
  enum class Kind : uint8_t { kPack, kReclaim, kUnpack };
  CodingWatch(Store& store, Kind kind, SiteId site)
      : store_(store), kind_(kind), site_(site), start_(std::chrono::steady_clock::now()) {}
  ~CodingWatch();
  CodingWatch(const CodingWatch&) = delete;
  CodingWatch& operator=(const CodingWatch&) = delete;

  void done(int64_t raw_bytes, int64_t charged_bytes) {
    raw_bytes_ = raw_bytes;
    charged_bytes_ = charged_bytes;
  }

 private:
  void trace(std::chrono::steady_clock::time_point end) noexcept;

  Store& store_;
  const Kind kind_;
  const SiteId site_;
  const std::chrono::steady_clock::time_point start_;
  int64_t raw_bytes_ = -1, charged_bytes_ = -1;
};

}  // namespace cinch::hooks
