// What a limit must leave free so that payloads can be coded.
#include <gtest/gtest.h>

#include "cinch/planner.h"
#include "tests/planner/random_profile.h"

namespace cinch {
namespace {

constexpr int64_t kReserve = 1000;

Profile with_reserve(int64_t bytes) {
  Profile profile = planner::testing::random_profile(3, {});
  profile.reserve_bytes = bytes;
  return profile;
}

Budget without_noise_bound(int64_t bytes) {
  Budget budget = Budget::bytes(bytes);
  budget.min_effective_batch = 0;
  return budget;
}

TEST(Reserve, ALimitWithAReservePlansAsASmallerOneWithout) {
  const Profile reserved = with_reserve(kReserve), plain = with_reserve(0);
  for (const int percent : {100, 95, 90, 80}) {
    const int64_t floor = plain.floor_bytes();
    const int64_t room = floor + (plain.baseline_peak_bytes() - floor) * percent / 100;
    const Plan a = make_plan(reserved, without_noise_bound(room + kReserve));
    const Plan b = make_plan(plain, without_noise_bound(room));
    EXPECT_EQ(a.limit_bytes, room + kReserve);
    EXPECT_EQ(a.predicted_peak_bytes, b.predicted_peak_bytes);
    EXPECT_EQ(a.predicted_noise, b.predicted_noise);
    EXPECT_LE(a.predicted_peak_bytes, room);
  }
}

TEST(Reserve, TheSmallestFeasibleLimitHoldsItToo) {
  const Profile profile = with_reserve(kReserve);
  MemoryBreakdown b;
  try {
    make_plan(profile, without_noise_bound(profile.floor_bytes() / 2));
  } catch (const BudgetError& error) {
    b = error.breakdown();
  }
  const int64_t smallest = b.smallest_limit_bytes;
  ASSERT_GT(smallest, kReserve);
  EXPECT_EQ(b.parameters_bytes + b.gradients_bytes + b.optimizer_bytes + b.payloads_bytes + b.transients_bytes,
            smallest);
  EXPECT_LE(make_plan(profile, without_noise_bound(smallest)).predicted_peak_bytes, smallest - kReserve);
  EXPECT_THROW(make_plan(profile, without_noise_bound(smallest - 1)), BudgetError);
}

// No bound of the noise can help there, so none may be advised.
TEST(Reserve, ALimitBelowItIsNotBlamedOnTheNoiseBound) {
  const Profile profile = with_reserve(kReserve);
  for (const int64_t limit : {kReserve, kReserve - 1, int64_t{1}}) {
    Budget budget = Budget::bytes(limit);
    try {
      make_plan(profile, budget);
      ADD_FAILURE() << limit;
    } catch (const BudgetError& error) {
      EXPECT_EQ(std::string(error.what()).find("would do"), std::string::npos) << error.what();
    }
  }
}

// Without a limit nothing is kept free, and the bound is what is wrong.
TEST(Reserve, DoesNotHideANoiseBoundThatCannotBeKept) {
  Profile profile = with_reserve(kReserve);
  Budget budget;
  budget.max_gradient_noise = 1e-9;
  const CodecSpec lossy{"group_quant", {{"bits", int64_t{2}}}};
  PayloadProfile& payload = profile.payloads.front();
  payload.options.resize(1);
  payload.options.push_back({lossy, payload.raw_bytes / 2, 0.01, 1e-5, false});
  budget.rules.push_back({profile.sites[payload.sites.front()].name, lossy, {}});
  try {
    make_plan(profile, budget);
    ADD_FAILURE();
  } catch (const BudgetError& error) {
    EXPECT_NE(std::string(error.what()).find("max_gradient_noise"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace cinch
