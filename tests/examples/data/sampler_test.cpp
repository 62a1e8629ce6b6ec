#include "examples/data/sampler.h"

#include <gtest/gtest.h>

#include <set>

#include "examples/data/data_error.h"

namespace cinch::data {
namespace {

TEST(Sampler, VisitsEverySampleOnceInAnEpoch) {
  Sampler sampler(100, 10, 7);
  std::set<int64_t> seen;
  for (int i = 0; i < 10; ++i) {
    for (const int64_t index : sampler.next()) EXPECT_TRUE(seen.insert(index).second) << index;
  }
  EXPECT_EQ(*seen.begin(), 0);
  EXPECT_EQ(*seen.rbegin(), 99);
}

TEST(Sampler, LeavesOutWhatFillsNoBatch) {
  Sampler sampler(25, 10, 7);
  EXPECT_EQ(sampler.batches_per_epoch(), 2);
  std::set<int64_t> second_epoch;
  sampler.next(), sampler.next();
  for (int i = 0; i < 2; ++i) {
    for (const int64_t index : sampler.next()) second_epoch.insert(index);
  }
  EXPECT_EQ(second_epoch.size(), 20u);
}

TEST(Sampler, RepeatsForItsSeedAlone) {
  Sampler a(1000, 100, 7), b(1000, 100, 7), c(1000, 100, 8);
  const auto first = a.next();
  EXPECT_EQ(first, b.next());
  EXPECT_NE(first, c.next());
}

TEST(Sampler, ShufflesAnewEachEpoch) {
  Sampler sampler(1000, 1000, 7);
  EXPECT_NE(sampler.next(), sampler.next());
}

TEST(Sampler, RefusesABatchLargerThanTheData) { EXPECT_THROW(Sampler(9, 10, 0), DataError); }

}  // namespace
}  // namespace cinch::data
