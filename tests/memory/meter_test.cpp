#include "src/memory/meter.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace cinch::memory {
namespace {

TEST(Meter, CountsUpToTheCeilingAndNotBeyond) {
  Meter meter;
  EXPECT_TRUE(meter.try_add(60, 100));
  EXPECT_FALSE(meter.try_add(41, 100));
  EXPECT_EQ(meter.current(), 60);
  EXPECT_TRUE(meter.try_add(40, 100));
  EXPECT_EQ(meter.current(), 100);
  EXPECT_FALSE(meter.try_add(1, 100));
  meter.sub(100);
  EXPECT_EQ(meter.current(), 0);
}

TEST(Meter, RefusesWhenTheCeilingIsBelowWhatIsInUse) {
  Meter meter;
  meter.add(100);
  EXPECT_FALSE(meter.try_add(1, 50));
  EXPECT_FALSE(meter.try_add(1, -50));
  EXPECT_FALSE(meter.try_add(INT64_MAX, 200));
  EXPECT_EQ(meter.current(), 100);
}

TEST(Meter, PeakIsTheHighestSinceItsReset) {
  Meter meter;
  meter.add(70);
  meter.sub(50);
  EXPECT_EQ(meter.peak(), 70);
  meter.reset_peak();
  EXPECT_EQ(meter.peak(), 20);
  meter.add(5);
  EXPECT_EQ(meter.peak(), 25);
}

TEST(Meter, RefusedRequestsLeaveNoMarkOnPeaks) {
  Meter meter;
  meter.add(10);
  EXPECT_FALSE(meter.try_add(1000, 100));
  EXPECT_EQ(meter.peak(), 10);
  EXPECT_EQ(meter.take_interval_peak(), 10);
}

TEST(Meter, IntervalPeakStartsAtWhatIsInUse) {
  Meter meter;
  meter.add(40);
  meter.sub(30);
  EXPECT_EQ(meter.take_interval_peak(), 40);
  EXPECT_EQ(meter.take_interval_peak(), 10);
  meter.add(1);
  meter.sub(11);
  EXPECT_EQ(meter.take_interval_peak(), 11);
  EXPECT_EQ(meter.take_interval_peak(), 0);
  EXPECT_EQ(meter.peak(), 40);
}

TEST(Meter, ThreadsNeverPassTheCeilingAndLoseNothing) {
  Meter meter;
  constexpr int64_t kCeiling = 1000;
  std::atomic<bool> passed{false};
  std::atomic<int64_t> granted{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 50000; ++i) {
        const int64_t n = 100 + 37 * ((i + t) % 11);
        if (meter.try_add(n, kCeiling)) {
          granted.fetch_add(1);
          passed = passed || meter.current() > kCeiling;
          meter.sub(n);
        }
      }
    });
  }
  for (auto& thread : threads) {
    thread.join();
  }
  EXPECT_FALSE(passed);
  EXPECT_LE(meter.peak(), kCeiling);
  EXPECT_GE(meter.peak(), 100);
  EXPECT_GT(granted.load(), 0);
  EXPECT_EQ(meter.current(), 0);
}

// A limiter that adds before it checks would fail the small requests while a large one is being refused.
TEST(Meter, LargeRefusalsNeverFailSmallRequests) {
  Meter meter;
  std::atomic<bool> stop{false};
  std::thread large([&] {
    while (!stop) {
      EXPECT_FALSE(meter.try_add(1000000, 1000));
    }
  });
  int64_t refused = 0;
  for (int i = 0; i < 200000; ++i) {
    if (meter.try_add(10, 1000)) {
      meter.sub(10);
    } else {
      ++refused;
    }
  }
  stop = true;
  large.join();
  EXPECT_EQ(refused, 0);
}

}  // namespace
}  // namespace cinch::memory
