#include "hooks/replay/schedule.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

namespace cinch::hooks {
namespace {

using Turns = std::vector<Schedule::Turn>;

// A step in which everything that has its turn is measured.
Turns step(Schedule& schedule) {
  const Turns turns = schedule.next();
  for (const Schedule::Turn& turn : turns) schedule.measured(turn.key, turn.follow);
  return turns;
}

TEST(ReplaySchedule, FollowsTheDearestFirstAndAFewAStep) {
  Schedule schedule;
  EXPECT_TRUE(schedule.next().empty());
  EXPECT_FALSE(schedule.complete()) << "nobody was offered yet";
  for (const auto& [key, priority] : std::map<std::string, double>{{"a", 1}, {"b", 3}, {"c", 2}})
    schedule.offer(key, priority);
  EXPECT_EQ(step(schedule), (Turns{{"b", true}, {"c", true}}));
  EXPECT_FALSE(schedule.complete());
  EXPECT_EQ(step(schedule), (Turns{{"a", true}})) << "the others have had their turn";
  EXPECT_TRUE(schedule.complete());
  EXPECT_FALSE(schedule.complete(2));
}

TEST(ReplaySchedule, WhatIsOfferedNoMoreHasNoTurn) {
  Schedule schedule;
  schedule.offer("a", 1);
  schedule.offer("b", 2);
  while (!schedule.complete()) step(schedule);
  const auto has_turns = [&](const std::string& key) {
    bool had = false;
    for (int64_t i = 0; i < 4 * Schedule::kLeastRound; ++i)
      for (const Schedule::Turn& turn : step(schedule)) had = had || turn.key == key;
    return had;
  };
  schedule.withdraw();
  EXPECT_FALSE(schedule.due());
  schedule.offer("a", 1);
  EXPECT_FALSE(has_turns("b"));
  EXPECT_TRUE(has_turns("a"));
  schedule.offer("b", 2);
  EXPECT_TRUE(has_turns("b"));
}

TEST(ReplaySchedule, MeasuresInSomeStepsAndEverMoreSeldom) {
  Schedule schedule;
  constexpr int kSites = 32;
  for (int i = 0; i < kSites; ++i) schedule.offer("site " + std::to_string(i), i);
  while (!schedule.complete()) step(schedule);
  std::map<std::string, int64_t> turns, followed;
  int64_t busy = 0;
  const auto run = [&](int64_t steps) {
    int64_t count = 0;
    busy = 0;
    for (int64_t i = 0; i < steps; ++i) {
      const bool due = schedule.due();
      size_t follows = 0;
      const Turns now = step(schedule);
      EXPECT_EQ(due, !now.empty());
      busy += due ? 1 : 0;
      for (const Schedule::Turn& turn : now) {
        ++count;
        ++turns[turn.key];
        followed[turn.key] += turn.follow ? 1 : 0;
        follows += turn.follow ? 1 : 0;
      }
      EXPECT_LE(follows, Schedule::kFollows);
    }
    return static_cast<double>(count);
  };
  EXPECT_NEAR(run(48), 48 * kSites / Schedule::kLeastRound, 16) << "16 steps a round at first";
  EXPECT_EQ(busy, 6);
  run(936);  // to step 1000
  EXPECT_NEAR(run(250), kSites * 0.9, 4) << "a quarter of the steps so far makes a round";
  EXPECT_LE(busy, 8) << "four sites at least at a time";
  run(8750);  // to step 10,000
  for (const auto& [key, count] : turns) {
    EXPECT_NEAR(static_cast<double>(count), static_cast<double>(turns["site 0"]), 6) << key;
    EXPECT_GE(followed[key], 4) << "at about 3, 9, 27, ... times the step in which it was first";
    EXPECT_LE(followed[key], 6);
  }
}

// Following is dear: of many that should be followed a few are, and the others are measured nonetheless.
TEST(ReplaySchedule, AFewOfAStepAreFollowedAndAllAreMeasured) {
  Schedule schedule;
  for (int i = 0; i < 40; ++i) schedule.offer("site " + std::to_string(i), i);
  while (!schedule.complete()) step(schedule);
  while (!schedule.due()) step(schedule);
  const Turns turns = step(schedule);
  ASSERT_GT(turns.size(), Schedule::kFollows + 4);
  EXPECT_EQ(std::ranges::count_if(turns, &Schedule::Turn::follow), Schedule::kFollows);
}

TEST(ReplaySchedule, WhatWasMeasuredBeforeIsFollowedAtItsFirstTurn) {
  Schedule schedule;
  for (const char* key : {"a", "b"}) {
    schedule.offer(key, 1);
    schedule.resume(key, 5);
  }
  EXPECT_TRUE(schedule.complete(5));
  std::map<std::string, std::vector<bool>> turns;
  for (int i = 0; i < 60; ++i)
    for (const Schedule::Turn& turn : step(schedule)) turns[turn.key].push_back(turn.follow);
  for (const char* key : {"a", "b"}) {
    ASSERT_GE(turns[key].size(), 4u);
    EXPECT_TRUE(turns[key][0]);
    EXPECT_EQ(std::ranges::count(turns[key], true), 2) << "in step 1 and at least three times as late";
  }
}

TEST(ReplaySchedule, FollowsAgainAtOnceWhereTheGainIsNotKnown) {
  Schedule schedule;
  for (const char* key : {"a", "b", "c"}) schedule.offer(key, 1);
  while (!schedule.complete()) step(schedule);
  EXPECT_FALSE(schedule.due());
  schedule.follow_next("b");
  EXPECT_TRUE(schedule.due());
  EXPECT_EQ(step(schedule), (Turns{{"b", true}}));
  EXPECT_FALSE(schedule.due());
}

TEST(ReplaySchedule, GivesUpWhatCannotBeMeasured) {
  Schedule schedule;
  schedule.offer("never", 3);
  schedule.offer("seldom", 2);
  schedule.offer("fine", 1);
  schedule.refused("never");
  EXPECT_EQ(schedule.next(), (Turns{{"seldom", true}, {"fine", true}}));
  for (int i = 1; i < Schedule::kMostMisses; ++i) EXPECT_FALSE(schedule.missed("seldom"));
  schedule.measured("fine", true);
  EXPECT_FALSE(schedule.complete());
  EXPECT_TRUE(schedule.missed("seldom"));
  EXPECT_TRUE(schedule.complete());
  schedule.offer("never", 9);
  EXPECT_TRUE(schedule.complete()) << "what cannot be replayed stays so";
  schedule.offer("seldom", 2);
  EXPECT_FALSE(schedule.complete()) << "under a new plan there may be room";
}

TEST(ReplaySchedule, ForgetsAMissOnceItWasMeasured) {
  Schedule schedule;
  schedule.offer("a", 1);
  for (int round = 0; round < 3; ++round) {
    for (int i = 1; i < Schedule::kMostMisses; ++i) EXPECT_FALSE(schedule.missed("a"));
    schedule.measured("a", true);
  }
}

}  // namespace
}  // namespace cinch::hooks
