#include "hooks/replay/sensitivities.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

namespace cinch::hooks {
namespace {

constexpr uint64_t kLeaves = 7;

const MeasuredSensitivity& learn(Sensitivities& known, const MeasuredError& error, const std::string& site = "a") {
  known.learn({{site, error}}, kLeaves);
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
    all.learn(measured, kLeaves);
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
    all.learn({{"a", {of_a, 0, 0.0}}, {"b", {1, 0, 0.0}}, {"c", {1, 0, 0.0}}, {"d", {1, 0, 0.0}}}, kLeaves);
  };
  backward(1);
  backward(1000);
  EXPECT_NEAR(all.by_name.at("b").sensitivity, 0.9625, 1e-12);
  for (int i = 0; i < 30; ++i) backward(1000);
  EXPECT_NEAR(all.by_name.at("a").sensitivity, 1000, 1);
  EXPECT_NEAR(all.by_name.at("b").sensitivity, 1, 0.01);
}

TEST(Sensitivities, AFewSitesDoNotTellTheLevel) {
  Sensitivities all;
  for (const double times : {1.0, 0.5}) all.learn({{"a", {times, 0, 0.0}}, {"b", {times, 0, 0.0}}}, kLeaves);
  EXPECT_DOUBLE_EQ(all.by_name.at("a").sensitivity, 0.65);
}

// A backward whose measurements are all `times` what they were at first.
std::vector<Measurement> sites(int count, double times) {
  std::vector<Measurement> all;
  for (int i = 0; i < count; ++i) all.push_back({std::to_string(i), {times, 0, 0.0}});
  return all;
}

TEST(Sensitivities, TheLevelMovesByTheShareThatWasMeasured) {
  Sensitivities all;
  all.learn(sites(40, 1), kLeaves);
  all.learn(sites(4, 2), kLeaves);
  EXPECT_NEAR(all.by_name.at("39").sensitivity, 1.1, 1e-12);
}

TEST(Sensitivities, EachSetOfParametersHasALevelOfItsOwn) {
  Sensitivities all;
  all.learn(sites(4, 1), kLeaves);
  all.learn({{"other", {1, 0, 0.0}}}, kLeaves + 1);
  for (int i = 0; i < 10; ++i) all.learn(sites(4, 2), kLeaves);
  EXPECT_GT(all.by_name.at("0").sensitivity, 1.9);
  EXPECT_EQ(all.by_name.at("other").sensitivity, 1);
}

// The mean of what the levels are multiplied by is 1, their product grows.
TEST(Sensitivities, WhatIsLeftAloneStaysAsItWas) {
  Sensitivities all;
  all.learn(sites(5, 1), kLeaves);
  all.by_name.at("4").unplayed = "no memory";
  for (int i = 0; i < 100; ++i) all.learn(sites(4, i % 2 == 0 ? 0.5 : 2), kLeaves);
  EXPECT_EQ(all.by_name.at("4").sensitivity, 1);
}

TEST(Sensitivities, AFallOfAllSitesIsFollowed) {
  Sensitivities all;
  all.learn(sites(4, 1), kLeaves);
  for (int i = 0; i < 30; ++i) all.learn(sites(4, 1e-6), kLeaves);
  EXPECT_NEAR(all.by_name.at("0").sensitivity, 1e-6, 1e-8);
  all.learn(sites(4, 0), kLeaves);
  EXPECT_TRUE(std::isfinite(all.by_name.at("0").sensitivity));
}

// As where a branch is dropped at random.
TEST(Sensitivities, ThatNothingArrivesOnceDoesNotMakeErrorsFree) {
  Sensitivities all;
  learn(all, {0, 1, 4.0});
  EXPECT_DOUBLE_EQ(learn(all, {0, 1, 0.0}).sensitivity, 4);
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
