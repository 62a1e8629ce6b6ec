// The list of guards: who is in it, and that neither a scrape nor a guard's end waits for the other for long.
#include "src/metrics/source.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <future>
#include <memory>
#include <stdexcept>
#include <thread>

#include "tests/metrics/samples.h"

namespace cinch::metrics {
namespace {

TEST(Source, IsReadWhileItLives) {
  EXPECT_TRUE(read_sources().empty());
  {
    const Source cpu("cpu", sample_reading);
    const Source gpu("cuda:1", [] { return Reading{}; });
    const auto snapshots = read_sources();
    ASSERT_EQ(snapshots.size(), 2u);
    EXPECT_EQ(snapshots[0].device, "cpu");
    EXPECT_EQ(snapshots[0].usage.charged_bytes, 1024);
    EXPECT_EQ(snapshots[0].sites.size(), 2u);
    EXPECT_EQ(snapshots[1].device, "cuda:1");
  }
  EXPECT_TRUE(read_sources().empty());
}

TEST(Source, TakesItsRankFromTheEnvironment) {
  unsetenv("RANK");
  const Source alone("cpu", sample_reading);
  setenv("RANK", "3", 1);
  const Source fourth("cuda:0", sample_reading);
  setenv("RANK", "", 1);
  const Source empty("cuda:1", sample_reading);
  unsetenv("RANK");
  const auto snapshots = read_sources();
  ASSERT_EQ(snapshots.size(), 3u);
  EXPECT_EQ(snapshots[0].rank, "0");
  EXPECT_EQ(snapshots[1].rank, "3");
  EXPECT_EQ(snapshots[2].rank, "0");
}

TEST(Source, CountsStepTimesInBuckets) {
  Source source("cpu", sample_reading);
  Usage usage;
  for (const double seconds : {0.0, 0.001, 0.0011, 0.3, 60.0, 61.0}) {
    ++usage.steps;
    usage.step_seconds = seconds;
    source.step_is_over(usage, 0.9);
  }
  const Snapshot snapshot = read_sources().at(0);
  EXPECT_EQ(snapshot.least_effective_batch, 0.9);
  EXPECT_NEAR(snapshot.steps.sum_seconds, 121.3021, 1e-9);
  std::array<uint64_t, kStepBounds.size() + 1> expected{};
  expected[0] = 2;                       // a bound belongs to its bucket
  expected[1] = 1;                       // up to 0.0025
  expected[8] = 1;                       // up to 0.5
  expected[kStepBounds.size() - 1] = 1;  // up to 60
  expected[kStepBounds.size()] = 1;      // without a bound
  EXPECT_EQ(snapshot.steps.counts, expected);
}

TEST(Source, AStepThatTheGuardDidNotCountAddsNoTime) {
  Source source("cpu", sample_reading);
  Usage usage = sample_usage();
  source.step_is_over(usage, 0.0);
  source.step_is_over(usage, 0.0);
  uint64_t count = 0;
  const StepTimes times = read_sources().at(0).steps;
  for (const uint64_t bucket : times.counts) count += bucket;
  EXPECT_EQ(count, 1u);
}

TEST(Source, ThatCannotAnswerIsLeftOut) {
  const Source broken("cpu", []() -> Reading { throw std::runtime_error("no memory"); });
  const Source whole("cuda:0", sample_reading);
  const auto snapshots = read_sources();
  ASSERT_EQ(snapshots.size(), 1u);
  EXPECT_EQ(snapshots[0].device, "cuda:0");
}

TEST(Source, HoldsNothingOfTheGuardAfterItsEnd) {
  auto guard = std::make_shared<int>(7);
  const std::weak_ptr<int> weak = guard;
  auto source = std::make_unique<Source>("cpu", [guard] { return Reading{}; });
  guard.reset();
  ASSERT_FALSE(weak.expired());
  source.reset();
  EXPECT_TRUE(weak.expired());
}

// One read hangs. Another guard's end does not wait for it; were it to, this test would not end.
TEST(Source, ItsEndWaitsForNoOtherRead) {
  std::promise<void> entered, leave;
  auto let_go = leave.get_future();
  const Source slow("cpu", [&] {
    entered.set_value();
    let_go.wait();
    return Reading{};
  });
  auto other = std::make_unique<Source>("cuda:0", sample_reading);
  std::thread scrape([] { read_sources(); });
  entered.get_future().wait();
  other.reset();
  const Source next("cuda:0", sample_reading);
  leave.set_value();
  scrape.join();
}

// Guards come and go while others read them: each read finds its guard whole.
TEST(Source, ComesAndGoesWhileItIsRead) {
  static std::atomic<int> dead_reads{0};
  struct Ordered {  // as in BudgetGuard: the source ends first
    std::atomic<bool> alive{true};
    std::unique_ptr<Source> source = std::make_unique<Source>("cpu", [this] {
      if (!alive) ++dead_reads;
      return sample_reading();
    });
    ~Ordered() {
      source.reset();
      alive = false;
    }
  };
  std::atomic<bool> done{false};
  std::atomic<int64_t> reads{0};
  std::vector<std::thread> scrapers;
  for (int i = 0; i < 2; ++i)
    scrapers.emplace_back([&] {
      while (!done)
        for (const Snapshot& snapshot : read_sources()) reads += snapshot.usage.charged_bytes == 1024 ? 1 : 0;
    });
  for (int i = 0; i < 2000 || reads < 100; ++i) {
    Ordered guard;
    Usage usage = sample_usage();
    usage.steps = i + 1;
    guard.source->step_is_over(usage, 0.5);
    if (i % 16 == 0) std::this_thread::yield();
  }
  done = true;
  for (auto& thread : scrapers) thread.join();
  EXPECT_EQ(dead_reads, 0);
  EXPECT_TRUE(read_sources().empty());
}

}  // namespace
}  // namespace cinch::metrics
