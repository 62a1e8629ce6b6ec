#include "hooks/replay/sensitivities.h"

#include <gtest/gtest.h>

#include <limits>

namespace cinch::hooks {
namespace {

const MeasuredSensitivity& learn(Sensitivities& known, const MeasuredError& error, const std::string& site = "a") {
  known.learn({{site, error}});
  return known.by_name.at(site);
}

TEST(Sensitivities, TheFirstMeasurementStands) {
  Sensitivities all;
  const MeasuredSensitivity& known = learn(all, {2, 0.5, 3.0});
  EXPECT_DOUBLE_EQ(known.sensitivity, 5);
  EXPECT_DOUBLE_EQ(known.gain, 6);
  EXPECT_EQ(known.replays, 1);
  EXPECT_EQ(known.followed, 1);
}

TEST(Sensitivities, ErrorsThatAreNotFollowedAreAmplifiedAsTheLastOnesWere) {
  Sensitivities all;
  learn(all, {2, 0.5, 3.0});
  const MeasuredSensitivity& known = learn(all, {4, 1.5, {}});
  EXPECT_DOUBLE_EQ(known.sensitivity, 3.4 + 6 * 1.2) << "seven tenths of the way to the newest";
  EXPECT_EQ(known.followed, 1);
}

// What was measured before it was followed again would be wrong by the old gain.
TEST(Sensitivities, ANewGainIsOfAllThatIsKnown) {
  Sensitivities all;
  learn(all, {0, 1, 30.0});
  for (int i = 0; i < 3; ++i) learn(all, {0, 1, {}});
  EXPECT_DOUBLE_EQ(all.by_name.at("a").sensitivity, 30);
  EXPECT_DOUBLE_EQ(learn(all, {0, 1, 1.0}).sensitivity, 1);
}

TEST(Sensitivities, WhatHandsNothingOnKeepsItsGain) {
  Sensitivities all;
  const MeasuredSensitivity& known = learn(all, {1, 0, 0.0});
  EXPECT_EQ(known.followed, 0);
  EXPECT_FALSE(known.can_learn({1, 1, {}})) << "its gain is not known";
  learn(all, {1, 2, 8.0});
  EXPECT_TRUE(known.can_learn({1, 1, {}}));
  learn(all, {1, 0, 0.0});
  EXPECT_DOUBLE_EQ(known.gain, 4);
  EXPECT_DOUBLE_EQ(known.sensitivity, 1 + 4 * 0.42);
}

// A profile tells of the sum alone. The first measurement of the run weighs as much as any other.
TEST(Sensitivities, GoOnFromAnEarlierRun) {
  Sensitivities all;
  MeasuredSensitivity& known = all.by_name["a"];
  known.sensitivity = 10;
  known.replays = 7;
  learn(all, {1, 1, 3.0});
  EXPECT_DOUBLE_EQ(known.sensitivity, 0.7 * 4 + 0.3 * 10);
  EXPECT_DOUBLE_EQ(known.gain, 3);
  EXPECT_EQ(known.replays, 8);
  learn(all, {1, 1, 3.0});
  EXPECT_DOUBLE_EQ(known.sensitivity, 0.7 * 4 + 0.3 * 5.8);
}

// A batch with a large gradient makes all errors of its backward look small.
TEST(Sensitivities, WhatABackwardsSitesHaveInCommonIsTakenOut) {
  Sensitivities all;
  const auto backward = [&](double times) {
    std::vector<Measurement> measured;
    for (const char* site : {"a", "b", "c", "d"}) measured.push_back({site, {times * (site[0] - 'a' + 1), 0, 0.0}});
    all.learn(measured);
  };
  backward(1);
  learn(all, {7, 0, 0.0}, "seldom");
  backward(0.5);
  EXPECT_NEAR(all.by_name.at("b").sensitivity, 1.5, 1e-12) << "half of the way to 1, which is the level's";
  EXPECT_NEAR(all.by_name.at("seldom").sensitivity, 7 * 0.75, 1e-12) << "the level is that of all";
  for (int i = 0; i < 40; ++i) backward(0.5);
  EXPECT_NEAR(all.by_name.at("d").sensitivity, 2, 1e-3) << "where it stays it is taken over";
  EXPECT_NEAR(all.by_name.at("seldom").sensitivity, 3.5, 1e-2);
}

TEST(Sensitivities, OneSiteThatMovesAloneMovesNoOther) {
  Sensitivities all;
  const auto backward = [&](double of_a) {
    all.learn({{"a", {of_a, 0, 0.0}}, {"b", {1, 0, 0.0}}, {"c", {1, 0, 0.0}}, {"d", {1, 0, 0.0}}});
  };
  backward(1);
  for (int i = 0; i < 30; ++i) backward(1000);
  EXPECT_NEAR(all.by_name.at("a").sensitivity, 1000, 1);
  EXPECT_NEAR(all.by_name.at("b").sensitivity, 1, 0.01);
}

TEST(Sensitivities, AFewSitesDoNotTellTheLevel) {
  Sensitivities all;
  for (const double times : {1.0, 0.5}) all.learn({{"a", {times, 0, 0.0}}, {"b", {times, 0, 0.0}}});
  EXPECT_DOUBLE_EQ(all.by_name.at("a").sensitivity, 0.65);
}

TEST(Sensitivities, NothingIsLearntFromWhatIsNoNumber) {
  Sensitivities all;
  const MeasuredSensitivity& known = learn(all, {2, 0.5, 3.0});
  const double infinity = std::numeric_limits<double>::infinity();
  EXPECT_FALSE(known.can_learn({infinity, 1, {}}));
  EXPECT_FALSE(known.can_learn({1, 1, infinity}));
  EXPECT_FALSE(known.can_learn({1, std::numeric_limits<double>::quiet_NaN(), {}}));
  EXPECT_TRUE(known.can_learn({1, 1, {}}));
}

}  // namespace
}  // namespace cinch::hooks
