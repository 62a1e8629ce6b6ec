// Bytes: what is counted is what is there, and limits hold.
#include <malloc.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "tests/hooks/support.h"

namespace cinch::test {
namespace {

DeviceMeter& meter() { return DeviceMeter::of(c10::kCPU); }

class Memory : public InEverySetting {};

// A chain whose saves are half activations wanted as masks, half values.
struct Chain {
  std::vector<at::Tensor> weights;
  explicit Chain(int layers) {
    for (int i = 0; i < layers; ++i) {
      weights.push_back((torch::randn({128, 128}) * 0.12).requires_grad_());
    }
  }
  at::Tensor loss() const {
    at::Tensor h = torch::randn({256, 128});
    for (const auto& w : weights) {
      h = h.mm(w).relu().tanh();
    }
    return h.pow(2).mean();
  }
  void clear() const {
    for (const auto& w : weights) {
      w.mutable_grad().reset();
    }
  }
};

// Peak and bytes kept for the backward of stock, without a guard.
struct Stock {
  int64_t peak = 0, kept = 0;
};
Stock measure_stock(const Chain& chain) {
  Stock stock;
  for (int i = 0; i < 2; ++i) {
    const int64_t before = meter().current_bytes();
    meter().reset_peak();
    auto loss = chain.loss();
    stock.kept = meter().current_bytes() - before;
    loss.backward();
    stock.peak = meter().peak_bytes();
    chain.clear();
  }
  return stock;
}

TEST_P(Memory, RawBytesAreWhatStockKeepsAlive) {
  const Chain chain(6);
  const Stock stock = measure_stock(chain);
  Usage usage;
  {
    BudgetGuard guard(budget_of(GetParam()), options_of(GetParam()));
    for (int64_t i = 0; i < iterations_of(GetParam()); ++i) {
      chain.loss().backward();
      chain.clear();
      guard.step();
      usage = guard.usage();
    }
  }
  // The loss itself is alive but not saved; storages under a few KiB are left alone.
  EXPECT_NEAR(static_cast<double>(usage.raw_bytes), static_cast<double>(stock.kept), 8192);
}

bool is_planned(Setting setting) { return setting == Setting::kExact || setting == Setting::kLossy; }
bool limited(Setting setting) { return setting == Setting::kReclaim || setting == Setting::kReclaimExact; }

TEST_P(Memory, PayloadsAreNeverLargerThanTheStorages) {
  const Setting setting = GetParam();
  const int64_t start = meter().current_bytes();
  const Chain chain(6);
  BudgetGuard guard(budget_of(setting), options_of(setting));
  for (int64_t i = 0; i < iterations_of(setting); ++i) {
    auto loss = chain.loss();
    const int64_t before = meter().current_bytes();
    Trial{setting, &guard, i, start}.squeeze();
    if (limited(setting)) {
      EXPECT_LT(meter().current_bytes(), before) << "nothing was under pressure";
    }
    loss.backward();
    chain.clear();
    guard.step();
    EXPECT_LE(guard.usage().charged_bytes, guard.usage().raw_bytes);
  }
  if (is_planned(setting)) {
    EXPECT_LT(guard.usage().charged_bytes, guard.usage().raw_bytes);
  }
}

// Six integer tensors, saved as divisors, for which `int` is the form.
constexpr int64_t kDivisorBytes = 6 * 64 * 64 * 8;

Tensors divide(const Trial& run, bool wild) {
  auto x = leaf({64, 64});
  auto loss = at::zeros({});
  for (int i = 0; i < 6; ++i) {
    loss =
        loss + (x / (wild ? torch::randint(INT64_MIN, INT64_MAX, {64, 64}) : torch::randint(1, 200, {64, 64}))).sum();
  }
  const int64_t before = meter().current_bytes();
  run.squeeze();
  if (run.guard != nullptr && limited(run.setting)) {
    EXPECT_EQ(meter().current_bytes() == before, wild);
  }
  loss.backward();
  return {x.grad()};
}

// Values that need all of their 64 bits: `int` declines them, and nothing is charged for the attempt.
TEST_P(Memory, IncompressibleDataStaysRaw) {
  for (const bool wild : {true, false}) {
    expect_like_stock(
        GetParam(), [wild](const Trial& run) { return divide(run, wild); }, Bits::kAlways,
        [wild](BudgetGuard& guard) {
          const Usage usage = guard.usage();
          EXPECT_EQ(usage.raw_bytes, kDivisorBytes);
          EXPECT_EQ(usage.fallbacks, 0);
          if (wild) {
            EXPECT_EQ(usage.charged_bytes, kDivisorBytes);
            EXPECT_EQ(usage.reclaims, 0);
          } else if (usage.steps == iterations_of(GetParam()) && is_planned(GetParam())) {
            EXPECT_LT(usage.charged_bytes, kDivisorBytes / 2);
          }
        });
  }
}

// The plan says `int`, the values of later steps do not allow it.
TEST_P(Memory, DataThatTurnsIncompressibleFallsBackToRaw) {
  expect_like_stock(
      GetParam(), [](const Trial& run) { return divide(run, run.number == iterations_of(run.setting) - 1); },
      Bits::kAlways,
      [](BudgetGuard& guard) {
        const Usage usage = guard.usage();
        const bool last = usage.steps == iterations_of(GetParam());
        EXPECT_EQ(usage.raw_bytes, kDivisorBytes);
        EXPECT_EQ(usage.fallbacks, last && is_planned(GetParam()) ? 6 : 0);
        EXPECT_EQ(last || !is_planned(GetParam()) ? usage.charged_bytes : kDivisorBytes, kDivisorBytes);
      });
}

TEST(MemoryOnce, LosslessPeakIsBelowStocks) {
  const Chain chain(8);
  const Stock stock = measure_stock(chain);
  BudgetGuard guard(Budget::exact());
  for (int i = 0; i < 5; ++i) {
    meter().reset_peak();
    chain.loss().backward();
    chain.clear();
    guard.step();
  }
  EXPECT_LT(guard.usage().device_peak_bytes, stock.peak);
  EXPECT_LT(guard.usage().charged_bytes, guard.usage().raw_bytes);
}

TEST(MemoryOnce, AByteLimitHoldsFromTheFirstStep) {
  const Chain chain(12);
  const Stock stock = measure_stock(chain);
  const int64_t parameters = meter().current_bytes();
  for (const double share : {0.9, 0.7, 0.5}) {
    const auto limit = parameters + static_cast<int64_t>(share * static_cast<double>(stock.peak - parameters));
    auto budget = Budget::bytes(limit);
    budget.min_effective_batch = 0;
    BudgetGuard guard(budget);
    for (int i = 0; i < 5; ++i) {
      meter().reset_peak();
      chain.loss().backward();
      EXPECT_LE(meter().peak_bytes(), limit) << "step " << i << " at " << share;
      for (const auto& w : chain.weights) {
        EXPECT_TRUE(w.grad().isfinite().all().item<bool>());
      }
      chain.clear();
      guard.step();
      EXPECT_LE(guard.usage().device_peak_bytes, limit);
      EXPECT_EQ(guard.usage().limit_bytes, limit);
    }
    EXPECT_GT(guard.usage().reclaims, 0);
  }
}

TEST(MemoryOnce, WhatIsImpossibleEndsInOutOfBudgetAndTheNextStepRuns) {
  const Chain chain(8);
  const Stock stock = measure_stock(chain);
  const int64_t parameters = meter().current_bytes();
  GuardOptions options;
  options.observe_steps = 100;
  BudgetGuard guard(Budget::bytes(parameters + 100000), options);
  EXPECT_THROW(chain.loss().backward(), OutOfBudget);
  EXPECT_TRUE(guard.last_overrun().has_value());
  chain.clear();
  guard.replan(Budget::bytes(stock.peak + 100000));
  guard.step();
  EXPECT_NO_THROW(chain.loss().backward());
  chain.clear();
  guard.step();
}

TEST(MemoryOnce, TheUsersOwnLimitComesBackAfterTheGuard) {
  const int64_t own = meter().current_bytes() + (int64_t{1} << 30);
  meter().set_limit(own);
  {
    BudgetGuard guard(Budget::bytes(own / 2));
    EXPECT_EQ(meter().limit_bytes(), own / 2);
  }
  EXPECT_EQ(meter().limit_bytes(), own);
  meter().set_limit(0);
  { BudgetGuard guard(Budget::bytes(own / 2)); }
  EXPECT_EQ(meter().limit_bytes(), 0);
}

TEST(MemoryOnce, OverrunsMayThrowOrWarnInstead) {
  const Chain chain(8);
  const Stock stock = measure_stock(chain);
  for (const auto what : {OnOverrun::kThrow, OnOverrun::kWarn}) {
    auto budget = Budget::bytes(stock.peak - 200000);
    budget.on_overrun = what;
    budget.min_effective_batch = 0;
    int warnings = 0;
    GuardOptions options;
    options.on_event = [&](const Event& event) { warnings += event.kind == Event::Kind::kOverrun ? 1 : 0; };
    BudgetGuard guard(budget, options);
    for (int i = 0; i < 2; ++i) {  // before there is a plan the reclaimer holds the limit
      EXPECT_NO_THROW(chain.loss().backward());
      chain.clear();
      guard.step();
    }
    ASSERT_EQ(guard.phase(), Phase::kRun);
    const int64_t reclaims = guard.usage().reclaims;
    const auto other = chain.loss();  // a second graph, which the plan did not foresee
    if (what == OnOverrun::kThrow) {
      EXPECT_THROW(chain.loss().backward(), OutOfBudget);
    } else {
      EXPECT_NO_THROW(chain.loss().backward());
      EXPECT_GT(warnings, 0);
    }
    chain.clear();
    guard.step();
    EXPECT_EQ(guard.usage().reclaims, reclaims);
  }
}

int64_t resident_bytes() {
  malloc_trim(0);  // what earlier tests left in the allocator's hands is none of this
  std::ifstream statm("/proc/self/statm");
  int64_t total = 0, resident = 0;
  statm >> total >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}

// The count is not make-believe: coding 64 MiB of ReLU results gives memory back to the system.
TEST(MemoryOnce, ResidentMemoryFollowsTheMeter) {
  BudgetGuard guard(Budget::exact());
  const auto forward = [] {
    auto x = leaf({1 << 20});
    Tensors kept;
    for (int i = 0; i < 16; ++i) {
      kept.push_back((x * (i + 1.0)).relu().sum());
    }
    return kept;
  };
  for (int i = 0; i < 3; ++i) {
    forward();
    guard.step();
  }
  const int64_t metered = meter().current_bytes();
  const int64_t resident = resident_bytes();
  const auto kept = forward();
  const int64_t grown = resident_bytes() - resident;
  EXPECT_LT(meter().current_bytes() - metered, 20 << 20);
  EXPECT_LT(grown, 40 << 20) << "stock keeps 64 MiB";
}

CINCH_IN_EVERY_SETTING(Memory);

}  // namespace
}  // namespace cinch::test
