#include "hooks/replay/schedule.h"

#include <gtest/gtest.h>

#include <map>

namespace cinch::hooks {
namespace {

using Keys = std::vector<std::string>;

TEST(ReplaySchedule, TakesTheDearestFirstAndAFewAStep) {
  Schedule schedule;
  EXPECT_TRUE(schedule.next().empty());
  EXPECT_FALSE(schedule.complete()) << "nobody was offered yet";
  for (const auto& [key, priority] : std::map<std::string, double>{{"a", 1}, {"b", 3}, {"c", 2}})
    schedule.offer(key, priority);
  EXPECT_EQ(schedule.next(), (Keys{"b", "c"}));
  schedule.measured("b");
  schedule.measured("c");
  EXPECT_FALSE(schedule.complete());
  EXPECT_EQ(schedule.next(), (Keys{"a", "b"})) << "what was measured least, then by priority";
  schedule.measured("a");
  EXPECT_TRUE(schedule.complete());
  EXPECT_FALSE(schedule.complete(2));
}

TEST(ReplaySchedule, SlowsDownAsTrainingGoesOn) {
  Schedule schedule;
  schedule.offer("a", 1);
  schedule.offer("b", 2);
  for (const std::string& key : schedule.next()) schedule.measured(key);
  ASSERT_TRUE(schedule.complete());
  std::map<std::string, int64_t> turns;
  const auto busy_steps = [&](int64_t steps) {
    int64_t busy = 0;
    for (int64_t step = 0; step < steps; ++step) {
      const Keys keys = schedule.next();
      EXPECT_LE(keys.size(), 1u);
      busy += keys.empty() ? 0 : 1;
      for (const std::string& key : keys) {
        ++turns[key];
        schedule.measured(key);
      }
    }
    return busy;
  };
  EXPECT_EQ(busy_steps(49), 49);
  busy_steps(450);
  EXPECT_NEAR(busy_steps(500), 35, 2) << "from step 500 on one in ten, at 1000 one in twenty";
  busy_steps(9000);
  EXPECT_LT(busy_steps(1000), 6);
  EXPECT_NEAR(turns["a"], turns["b"], 1);
}

TEST(ReplaySchedule, GivesUpWhatCannotBeMeasured) {
  Schedule schedule;
  schedule.offer("never", 3);
  schedule.offer("seldom", 2);
  schedule.offer("fine", 1);
  schedule.refused("never");
  EXPECT_EQ(schedule.next(), (Keys{"seldom", "fine"}));
  for (int i = 1; i < Schedule::kMostMisses; ++i) EXPECT_FALSE(schedule.missed("seldom"));
  schedule.measured("fine");
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
    schedule.measured("a");
  }
}

}  // namespace
}  // namespace cinch::hooks
