#include "planner/replay_room.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "cinch/planner.h"
#include "planner/plan_options.h"
#include "planner/simulate.h"
#include "tests/planner/random_profile.h"

namespace cinch::planner {
namespace {

using Bytes = std::vector<int64_t>;

PayloadProfile payload(int64_t raw_bytes, int32_t saved_at, int32_t used_at) {
  PayloadProfile out;
  out.numel = raw_bytes / 4;
  out.raw_bytes = raw_bytes;
  out.saved_at = saved_at;
  out.exclusive_at = saved_at + 1;
  out.freed_at = used_at;
  out.uses = {{used_at, used_at}};
  out.options.resize(2);
  out.options[0].charged_bytes = raw_bytes;
  out.options[0].lossless = true;
  out.options[1].spec.name = "dither";
  out.options[1].charged_bytes = raw_bytes / 16;
  out.options[1].lossless = false;
  return out;
}

// Forward to instant 5, backward from 6 on. The last node holds most, and a gradient is there by then.
Profile two_payloads() {
  Profile profile;
  profile.timeline.assign(10, {1000});
  profile.timeline[8] = {1300, 50};
  profile.timeline[9] = {1000, 50};
  profile.payloads = {payload(400, 1, 8), payload(100, 3, 6)};
  return profile;
}

TEST(ReplayRoom, AnErrorIsFollowedThroughWhatTheRestOfTheBackwardHolds) {
  const Profile profile = two_payloads();
  ASSERT_EQ(simulate_floor(profile), (Bytes{1000, 1000, 1000, 600, 600, 500, 600, 600, 1300, 1000}));
  // 600 bytes last, the instant with 1300 holds 650 besides and a gradient, the one after it 350.
  EXPECT_EQ(replay_bytes(profile), (Bytes{0, 0, 0, 0, 0, 0, 650 + 200, 650 + 200, 350 + 800, 800}));
}

TEST(ReplayRoom, WhatIsNotReplayedTakesNothing) {
  Profile profile = two_payloads();
  for (PayloadProfile& kept : profile.payloads) kept.options[1].lossless = true;
  EXPECT_EQ(replay_bytes(profile), Bytes(10, 0));
  EXPECT_EQ(replay_bytes(Profile{}), Bytes());
}

TEST(ReplayRoom, TakesAShareOfWhatLiesAboveTheFloorAtMost) {
  const Profile profile = two_payloads();
  const Profile roomy = with_replay_room(profile, replay_bytes(profile), 1400, 0.5);
  Bytes added;
  for (size_t i = 0; i < profile.timeline.size(); ++i) {
    added.push_back(roomy.timeline[i].bytes - profile.timeline[i].bytes);
    EXPECT_EQ(roomy.timeline[i].gradients_bytes, profile.timeline[i].gradients_bytes);
  }
  EXPECT_EQ(added, (Bytes{0, 0, 0, 0, 0, 0, 400, 400, 50, 200}));
}

TEST(ReplayRoom, APlanLeavesItBelowTheLimit) {
  for (uint64_t seed = 0; seed < 40; ++seed) {
    const Profile profile = testing::random_profile(seed, {12, 5, 0, seed % 2 == 0});
    const int64_t floor = profile.floor_bytes(), room = floor + (profile.baseline_peak_bytes() - floor) / 2;
    Budget budget = Budget::bytes(std::max<int64_t>(1, room));
    budget.min_effective_batch = 0;
    const Bytes bytes = replay_bytes(profile);
    Plan plan;
    try {
      plan = make_plan(with_replay_room(profile, bytes, room, 0.4), budget);
    } catch (const BudgetError&) {
      continue;  // no plan has so much
    }
    const Bytes in_use = simulate(profile, plan_options(plan, profile).options), lowest = simulate_floor(profile);
    for (size_t i = 0; i < bytes.size(); ++i) {
      const auto share = static_cast<int64_t>(0.4 * static_cast<double>(std::max<int64_t>(0, room - lowest[i])));
      EXPECT_LE(in_use[i] + std::min(bytes[i], share), room) << seed << " at " << i;
    }
  }
}

}  // namespace
}  // namespace cinch::planner
