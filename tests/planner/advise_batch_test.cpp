#include <gtest/gtest.h>

#include "cinch/planner.h"
#include "planner/batch_model.h"
#include "tests/planner/batch_profile.h"
#include "tests/planner/random_profile.h"

namespace cinch {
namespace {

using planner::BatchModel;
using planner::testing::batch_profile;

int64_t smallest_limit(std::span<const Profile> profiles, const Budget& budget, int64_t batch) {
  return smallest_limits(profiles, budget, std::span(&batch, 1))[0];
}

TEST(AdviseBatch, TheAdvisedBatchFitsAndTheNextDoesNot) {
  const std::vector<Profile> two{batch_profile(8), batch_profile(16)};
  for (size_t count : {size_t{1}, size_t{2}}) {
    const std::span<const Profile> profiles(two.data(), count);
    for (int64_t limit : {300'000, 400'000, 1'000'000, 30'000'000}) {
      const Budget budget = Budget::bytes(limit);
      const BatchAdvice advice = advise_batch(profiles, budget);
      ASSERT_TRUE(advice.largest_batch.has_value());
      const int64_t largest = *advice.largest_batch;
      ASSERT_GT(largest, 0) << limit;
      EXPECT_LE(advice.at_largest.limit_bytes, limit);
      EXPECT_LE(smallest_limit(profiles, budget, largest), limit);
      EXPECT_GT(smallest_limit(profiles, budget, largest + 1), limit);
      const Plan plan = make_plan(*BatchModel(profiles).at(largest), budget);
      EXPECT_LE(plan.predicted_peak_bytes, limit);
      EXPECT_GE(plan.predicted_effective_batch, budget.min_effective_batch);
      EXPECT_LE(advice.largest_raw_batch.value(), largest);
    }
  }
}

TEST(AdviseBatch, OfTwoProfilesHoldsForTheProgramItself) {
  const std::vector<Profile> two{batch_profile(8), batch_profile(16)};
  const Budget budget = Budget::bytes(2'000'000);
  const int64_t largest = *advise_batch(two, budget).largest_batch;
  EXPECT_LE(make_plan(batch_profile(largest), budget).predicted_peak_bytes, 2'000'000);
  EXPECT_THROW(make_plan(batch_profile(largest + largest / 50 + 2), budget), BudgetError) << "not far from the truth";
  EXPECT_LE(*advise_batch(two[0], budget).largest_batch, largest) << "one profile is on the safe side";
}

TEST(AdviseBatch, MoreMemoryNeverMeansASmallerBatch) {
  for (uint64_t seed = 0; seed < 6; ++seed) {
    Profile profile = planner::testing::random_profile(seed, {.payloads = 8, .irregular = seed % 2 == 1});
    profile.batch = 1;
    for (PayloadProfile& payload : profile.payloads) payload.numel = (payload.numel + 3) / 4 * 4;
    profile.batch = 4;
    int64_t before = 0;
    const int64_t baseline = profile.baseline_peak_bytes();
    for (int64_t limit = baseline / 4; limit < 8 * baseline; limit += baseline / 5) {
      const int64_t largest = advise_batch(profile, Budget::bytes(limit)).largest_batch.value();
      EXPECT_GE(largest, before) << seed << " at " << limit;
      before = largest;
    }
    EXPECT_GT(before, 4) << seed;
  }
}

TEST(AdviseBatch, ALargerBatchNeverNeedsLess) {
  const std::vector<Profile> two{batch_profile(8), batch_profile(16)};
  std::vector<int64_t> batches;
  for (int64_t batch = 1; batch < 64; ++batch) batches.push_back(batch);
  const auto limits = smallest_limits(two, Budget{}, batches);
  for (size_t i = 1; i < limits.size(); ++i) EXPECT_GE(limits[i], limits[i - 1]) << batches[i];
}

TEST(AdviseBatch, TheSmallestLimitOfTheObservedBatchIsNoWorseThanThePlanners) {
  const Profile profile = batch_profile(8);
  const int64_t limit = advise_batch(profile, Budget{}).smallest_limit_bytes;
  EXPECT_NO_THROW(make_plan(profile, Budget::bytes(limit)));
  EXPECT_THROW(make_plan(profile, Budget::bytes(limit - 1)), BudgetError);
}

TEST(AdviseBatch, KeepsTheReserveFree) {
  Profile profile = batch_profile(8);
  const Budget budget = Budget::bytes(1'000'000);
  const int64_t without = *advise_batch(profile, budget).largest_batch;
  profile.reserve_bytes = 100'000;
  const BatchAdvice advice = advise_batch(profile, budget);
  EXPECT_LT(*advice.largest_batch, without);
  EXPECT_LE(advice.at_largest.predicted_peak_bytes, 900'000);
}

TEST(AdviseBatch, KeepsTheNoiseBound) {
  const Profile profile = batch_profile(8);
  Budget budget = Budget::bytes(1'000'000);
  const BatchAdvice free = advise_batch(profile, budget);
  budget.max_gradient_noise = 0.0;
  const BatchAdvice exact = advise_batch(profile, budget);
  EXPECT_LT(*exact.largest_batch, *free.largest_batch);
  EXPECT_EQ(exact.at_largest.noise, 0);
  EXPECT_EQ(exact.largest_batch, exact.largest_raw_batch) << "there is no lossless form but the tensor itself";
}

TEST(AdviseBatch, SaysWhenNothingFitsAndWhenNothingBinds) {
  const Profile profile = batch_profile(8);
  EXPECT_EQ(advise_batch(profile, Budget::bytes(1000)).largest_batch, 0);
  EXPECT_EQ(advise_batch(profile, Budget::bytes(1000)).largest_raw_batch, 0);
  EXPECT_FALSE(advise_batch(profile, Budget{}).largest_batch.has_value());
  Profile constant = profile;
  constant.payloads.clear();
  constant.sites.clear();
  for (Instant& instant : constant.timeline) instant.bytes = 150'000;
  EXPECT_FALSE(advise_batch(constant, Budget::bytes(300'000)).largest_batch.has_value());
}

TEST(AdviseBatch, BoundsThatNoPlanKeepsAreABudgetError) {
  Budget budget;
  budget.max_gradient_noise = 0.0;
  budget.rules = {{"a/*", CodecSpec{"group_quant", {{"bits", int64_t{2}}}}, std::nullopt}};
  EXPECT_THROW(advise_batch(batch_profile(8), budget), BudgetError);
}

}  // namespace
}  // namespace cinch
