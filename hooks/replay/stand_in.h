// While a node is replayed, one payload's values are replaced on this thread, and memory that is short stays short.
#pragma once

#include <c10/core/Storage.h>

#include <cstdint>
#include <optional>

namespace cinch::hooks {

class Payload;

// True within a replay on this thread: what it allocates must not make the reclaimer work, and what it executes is not
// the user's backward.
bool replaying() noexcept;

class ReplayScope {
 public:
  ReplayScope() noexcept;
  ~ReplayScope();
  ReplayScope(const ReplayScope&) = delete;
  ReplayScope& operator=(const ReplayScope&) = delete;
};

// Whoever unpacks values of `payload` on this thread gets `values` (its whole span, in memory order) instead.
class StandIn {
 public:
  StandIn(const Payload& payload, c10::Storage values) noexcept;
  ~StandIn();
  StandIn(const StandIn&) = delete;
  StandIn& operator=(const StandIn&) = delete;
  // How often it was asked for.
  int64_t asked() const { return asked_; }

  // The values that stand in for this payload now, or nullopt.
  static std::optional<c10::Storage> of(const Payload& payload) noexcept;

 private:
  const Payload* const payload_;
  const c10::Storage values_;
  int64_t asked_ = 0;
};

}  // namespace cinch::hooks
