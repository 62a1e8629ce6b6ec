#include "hooks/replay/sensitivities.h"

#include <gtest/gtest.h>

#include <limits>

namespace cinch::hooks {
namespace {

TEST(Sensitivities, TheFirstMeasurementStands) {
  MeasuredSensitivity known;
  ASSERT_TRUE(known.learn({2, 0.5, 3.0}));
  EXPECT_DOUBLE_EQ(known.sensitivity, 5);
  EXPECT_DOUBLE_EQ(known.gain, 6);
  EXPECT_EQ(known.replays, 1);
  EXPECT_EQ(known.followed, 1);
}

TEST(Sensitivities, ErrorsThatAreNotFollowedAreAmplifiedAsTheLastOnesWere) {
  MeasuredSensitivity known;
  known.learn({2, 0.5, 3.0});
  ASSERT_TRUE(known.learn({4, 1.5, {}}));
  EXPECT_DOUBLE_EQ(known.sensitivity, 3.4 + 6 * 1.2) << "seven tenths of the way to the newest";
  EXPECT_EQ(known.followed, 1);
}

// What was measured before it was followed again would be wrong by the old gain.
TEST(Sensitivities, ANewGainIsOfAllThatIsKnown) {
  MeasuredSensitivity known;
  known.learn({0, 1, 30.0});
  for (int i = 0; i < 3; ++i) known.learn({0, 1, {}});
  EXPECT_DOUBLE_EQ(known.sensitivity, 30);
  known.learn({0, 1, 1.0});
  EXPECT_DOUBLE_EQ(known.sensitivity, 1);
}

TEST(Sensitivities, WhatHandsNothingOnKeepsItsGain) {
  MeasuredSensitivity known;
  ASSERT_TRUE(known.learn({1, 0, 0.0}));
  EXPECT_EQ(known.followed, 0);
  EXPECT_FALSE(known.learn({1, 1, {}})) << "its gain is not known";
  known.learn({1, 2, 8.0});
  ASSERT_TRUE(known.learn({1, 0, 0.0}));
  EXPECT_DOUBLE_EQ(known.gain, 4);
  EXPECT_DOUBLE_EQ(known.sensitivity, 1 + 4 * 0.42);
}

// As where a branch is dropped at random.
TEST(Sensitivities, ThatNothingArrivesOnceDoesNotMakeErrorsFree) {
  MeasuredSensitivity known;
  known.learn({0, 1, 4.0});
  known.learn({0, 1, 0.0});
  EXPECT_DOUBLE_EQ(known.sensitivity, 4);
}

// A profile tells of the sum alone. The first measurement of the run weighs as much as any other.
TEST(Sensitivities, GoOnFromAnEarlierRun) {
  MeasuredSensitivity known;
  known.sensitivity = 10;
  known.replays = 7;
  ASSERT_TRUE(known.learn({1, 1, 3.0}));
  EXPECT_DOUBLE_EQ(known.sensitivity, 0.7 * 4 + 0.3 * 10);
  EXPECT_DOUBLE_EQ(known.gain, 3);
  EXPECT_EQ(known.replays, 8);
  ASSERT_TRUE(known.learn({1, 1, 3.0}));
  EXPECT_DOUBLE_EQ(known.sensitivity, 0.7 * 4 + 0.3 * 5.8);
}

TEST(Sensitivities, NothingIsLearntFromWhatIsNoNumber) {
  MeasuredSensitivity known;
  known.learn({2, 0.5, 3.0});
  const double infinity = std::numeric_limits<double>::infinity();
  EXPECT_FALSE(known.learn({infinity, 1, {}}));
  EXPECT_FALSE(known.learn({1, 1, infinity}));
  EXPECT_FALSE(known.learn({1, 1e-300, 1e300}));
  EXPECT_FALSE(known.learn({1, std::numeric_limits<double>::quiet_NaN(), {}}));
  EXPECT_DOUBLE_EQ(known.sensitivity, 5);
  EXPECT_DOUBLE_EQ(known.gain, 6);
  EXPECT_EQ(known.replays, 1);
}

}  // namespace
}  // namespace cinch::hooks
