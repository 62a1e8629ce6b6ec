/// What measuring the effect of errors takes of memory, and how much of a limit is left free for it.
///
/// A replay happens when its node is done: it runs the node again, then everything behind it on the difference, while
/// all that was saved for that is still there, in the form that the plan gives it. Where a plan is at its limit there
/// is no room for that.
#pragma once

#include <cstdint>
#include <vector>

#include "cinch/profile.h"

namespace cinch::planner {

/// Bytes beside a plan's own that a replay takes at each instant, at most: what the backward's later instants hold
/// besides payloads and gradients (an error's gradients are let go at once), and two values as large as the payload
/// that is replayed. Nothing outside of backwards. Payloads without a lossy option are not replayed; all zeros without
/// any. The profile must be sound.
std::vector<int64_t> replay_bytes(const Profile& profile);

/// The profile with these bytes in use besides, but at each instant with no more than `share` (0 to 1) of what lies
/// between its floor and `room` bytes. To plan with; what is predicted of such a plan is not what happens.
Profile with_replay_room(Profile profile, const std::vector<int64_t>& bytes, int64_t room, double share);

}  // namespace cinch::planner
