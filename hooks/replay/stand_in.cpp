#include "hooks/replay/stand_in.h"

namespace cinch::hooks {
namespace {

thread_local int replays = 0;
thread_local StandIn* stand_in = nullptr;

}  // namespace

bool replaying() noexcept { return replays > 0; }

ReplayScope::ReplayScope() noexcept { ++replays; }
ReplayScope::~ReplayScope() { --replays; }

StandIn::StandIn(const Payload& payload, c10::Storage values) noexcept
    : payload_(&payload), values_(std::move(values)) {
  stand_in = this;
}

StandIn::~StandIn() { stand_in = nullptr; }

std::optional<c10::Storage> StandIn::of(const Payload& payload) noexcept {
  if (stand_in == nullptr || stand_in->payload_ != &payload) return std::nullopt;
  ++stand_in->asked_;
  return stand_in->values_;
}

}  // namespace cinch::hooks
