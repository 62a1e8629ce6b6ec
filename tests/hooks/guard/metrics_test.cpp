// Guards as sources of metrics: while they live, with their own figures, and read by other threads at any moment.
#include <atomic>
#include <cstdlib>
#include <numeric>
#include <thread>

#include "src/metrics/source.h"
#include "tests/hooks/support.h"

namespace cinch::test {
namespace {

using metrics::read_sources;

void step(BudgetGuard& guard) {
  auto x = torch::full({128, 128}, 0.5).requires_grad_();
  auto h = x * 2;
  for (int i = 0; i < 4; ++i) h = h.sin().relu();
  h.sum().backward();
  guard.step();
}

TEST(GuardMetrics, AreTheGuardsOwnFigures) {
  EXPECT_TRUE(read_sources().empty());
  {
    BudgetGuard guard(without_noise_bound(int64_t{1} << 30));
    for (int i = 0; i < 4; ++i) step(guard);
    const auto sources = read_sources();
    ASSERT_EQ(sources.size(), 1u);
    const auto& source = sources[0];
    EXPECT_EQ(source.device, "cpu");
    EXPECT_EQ(source.usage.steps, 4);
    EXPECT_EQ(source.usage.limit_bytes, int64_t{1} << 30);
    EXPECT_EQ(source.usage.charged_bytes, guard.usage().charged_bytes);
    EXPECT_GT(source.usage.charged_bytes, 0);
    const auto sites = guard.usage_by_site();
    ASSERT_EQ(source.sites.size(), sites.size());
    ASSERT_GT(sites.size(), 4u);
    for (size_t i = 0; i < sites.size(); ++i) {
      EXPECT_EQ(source.sites[i].site, sites[i].site);
      EXPECT_EQ(source.sites[i].charged_bytes, sites[i].charged_bytes) << sites[i].site;
    }
  }
  EXPECT_TRUE(read_sources().empty());
}

TEST(GuardMetrics, EveryStepHasItsTime) {
  BudgetGuard guard(Budget::exact());
  for (int i = 0; i < 7; ++i) step(guard);
  const auto times = read_sources().at(0).steps;
  EXPECT_EQ(std::accumulate(times.counts.begin(), times.counts.end(), uint64_t{0}), 7u);
  EXPECT_GE(times.sum_seconds, guard.usage().step_seconds);
  EXPECT_GT(guard.usage().step_seconds, 0);
}

TEST(GuardMetrics, TheBoundIsThatOfTheBudgetInForce) {
  Budget budget = Budget::bytes(int64_t{1} << 30);
  budget.min_effective_batch = 0.5;
  BudgetGuard guard(budget);
  for (int i = 0; i < 3; ++i) step(guard);
  EXPECT_EQ(read_sources().at(0).least_effective_batch, 0.5);
  budget.min_effective_batch = 0.25;
  guard.replan(budget);
  step(guard);
  EXPECT_EQ(read_sources().at(0).least_effective_batch, 0.25);
}

TEST(GuardMetrics, AMovedGuardIsStillOne) {
  BudgetGuard first(Budget::exact());
  BudgetGuard second(std::move(first));
  step(second);
  EXPECT_EQ(read_sources().at(0).usage.steps, 1);
}

TEST(GuardMetrics, InertGuardsHaveNone) {
  setenv("CINCH_DISABLE", "1", 1);
  {
    BudgetGuard guard(Budget::exact());
    step(guard);
    EXPECT_TRUE(read_sources().empty());
  }
  unsetenv("CINCH_DISABLE");
}

// Guards begin, train, plan and end while two threads read them without a pause.
TEST(GuardMetrics, AreReadAtAnyMoment) {
  std::atomic<bool> done{false};
  std::atomic<int64_t> with_sites{0};
  std::vector<std::thread> readers;
  for (int i = 0; i < 2; ++i)
    readers.emplace_back([&] {
      while (!done)
        for (const auto& source : read_sources()) with_sites += source.sites.empty() ? 0 : 1;
    });
  int guards = 0;
  for (; guards < 20 || with_sites < 20; ++guards) {
    BudgetGuard guard(Budget::exact());
    for (int i = 0; i < 4; ++i) step(guard);
    EXPECT_EQ(guard.usage().fallbacks, 0);
  }
  done = true;
  for (auto& reader : readers) reader.join();
  EXPECT_TRUE(read_sources().empty());
}

}  // namespace
}  // namespace cinch::test
