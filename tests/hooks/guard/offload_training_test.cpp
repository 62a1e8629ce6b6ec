// A guard over a device whose copies come late: training within a limit that only host memory makes possible.
#include "hooks/guard/controller.h"
#include "hooks/guard/guard_engine.h"
#include "hooks/trace.h"
#include "tests/hooks/late_device.h"
#include "tests/hooks/support.h"

namespace cinch::hooks {
namespace {

constexpr int64_t kMiB = int64_t{1} << 20;

// What BudgetGuard puts together, over another device.
struct LateGuard {
  LateGuard(const test::LateDevice& device, Budget budget, GuardOptions options)
      : session(std::make_shared<Session>(device, 1)),
        controller(
            (install_guard_engine(), std::make_unique<Controller>(std::move(budget), std::move(options), session))) {
    switch_on(session);
  }
  ~LateGuard() { switch_off(session); }

  std::shared_ptr<Session> session;
  std::unique_ptr<Controller> controller;
  TraceScope trace;
};

struct OffloadTraining : testing::Test {
  test::LateDevice device{true};
  memory::Meter& meter() { return device.meter(); }

  OffloadTraining() { test::LateDevice::current = 0; }
  // Eight saves whose values are needed, of 2 MiB each for 512 rows.
  static test::Tensors step(int64_t rows = 512) {
    auto x = torch::linspace(-1, 1, rows * 1024).view({rows, 1024}).requires_grad_();
    auto h = x * 1.5;
    for (int i = 0; i < 8; ++i) h = h.sin();
    h.sum().backward();
    return {x.grad()};
  }
  static Budget exact_within(double share) {
    auto budget = Budget::fraction_of_baseline(share);
    budget.allow = {"exact"};
    return budget;
  }
};

TEST_F(OffloadTraining, KeepsTheLimitAndEveryBit) {
  const auto stock = step();
  LateGuard guard(device, exact_within(0.7), {});
  Controller& controller = *guard.controller;
  for (int i = 0; i < 6; ++i) {
    meter().reset_peak();
    test::expect_same_bits(step()[0], stock[0], "gradient of step " + std::to_string(i));
    const int64_t peak = meter().peak();
    controller.step();
    if (i < 2) continue;
    EXPECT_LE(peak, controller.plan()->limit_bytes) << "step " << i;
    EXPECT_GT(controller.usage().offloaded_bytes, 4 * kMiB);
    EXPECT_LT(controller.usage().charged_bytes, controller.usage().raw_bytes);
  }
  EXPECT_LT(controller.plan()->limit_bytes, controller.profile()->baseline_peak_bytes());
  EXPECT_EQ(controller.plan()->predicted_noise, 0);
  EXPECT_EQ(controller.usage().fallbacks, 0);
  EXPECT_EQ(controller.usage().reclaims, 0);
  EXPECT_EQ(device.too_late, 0) << "memory was given up before its copy";
  EXPECT_GT(device.ins.size(), 8u);
}

// Before there is a plan, the reclaimer finds what no lossless codec could give.
TEST_F(OffloadTraining, ALimitInBytesHoldsFromTheFirstStep) {
  const int64_t base = meter().current();
  meter().reset_peak();
  const auto stock = step();
  auto budget = Budget::bytes(base + (meter().peak() - base) * 7 / 10);
  budget.allow = {"exact"};
  LateGuard guard(device, budget, {});
  for (int i = 0; i < 4; ++i) {
    meter().reset_peak();
    test::expect_same_bits(step()[0], stock[0], "gradient of step " + std::to_string(i));
    EXPECT_LE(meter().peak(), guard.controller->usage().limit_bytes);
    guard.controller->step();
    EXPECT_EQ(guard.controller->usage().gradient_noise, 0);
    if (i == 0) {
      EXPECT_GT(guard.controller->usage().reclaims, 0);
    }
  }
  EXPECT_EQ(device.too_late, 0);
}

// Copies under way are no bytes of the program: a profile taken under the plan shows what the first one showed.
TEST_F(OffloadTraining, ObservingAgainSeesNoCopies) {
  GuardOptions options;
  options.replan_interval = 2;
  LateGuard guard(device, exact_within(0.7), options);
  std::set<std::shared_ptr<const Profile>> profiles;
  int64_t first_peak = 0;
  for (int i = 0; i < 12; ++i) {
    step();
    guard.controller->step();
    const auto profile = guard.controller->profile();
    if (!profile) continue;
    profiles.insert(profile);
    if (profiles.size() == 1) first_peak = profile->baseline_peak_bytes();
    // A decode buffer of one node is taken off for as long as its end is not seen (docs/decisions.md).
    EXPECT_LE(profile->baseline_peak_bytes(), first_peak) << "step " << i;
    EXPECT_GE(profile->baseline_peak_bytes(), first_peak - 2 * kMiB) << "step " << i;
  }
  EXPECT_GE(profiles.size(), 3u);
  EXPECT_GT(guard.controller->usage().offloaded_bytes, 0);
}

TEST_F(OffloadTraining, WithoutHostMemoryThatLimitIsInfeasible) {
  GuardOptions options;
  options.host_pool_bytes = 0;
  LateGuard guard(device, exact_within(0.7), options);
  step();
  guard.controller->step();
  step();
  EXPECT_THROW(guard.controller->step(), BudgetError);
  EXPECT_TRUE(device.outs.empty());
}

TEST_F(OffloadTraining, ThePoolIsNeverAboveItsBoundAndEndsWithTheGuard) {
  {
    GuardOptions options;
    options.host_pool_bytes = 7 * kMiB;
    auto budget = Budget::exact();
    budget.rules.push_back({"*", CodecSpec{"offload", {}}, {}});
    LateGuard guard(device, budget, options);
    for (int i = 0; i < 4; ++i) {
      step();
      guard.controller->step();
    }
    EXPECT_EQ(guard.controller->usage().offloaded_bytes, 6 * kMiB);
    EXPECT_EQ(device.host_pool()->pinned(), 6 * kMiB);
    EXPECT_EQ(device.pins, 3) << "pinned in the first iteration alone";
    EXPECT_EQ(guard.controller->usage().fallbacks, 0);
    device.run_all();
  }
  EXPECT_EQ(device.host_pool()->pinned(), 0);
}

TEST_F(OffloadTraining, OtherSizesGetThePoolFromTheNextIterationOn) {
  GuardOptions options;
  options.host_pool_bytes = 7 * kMiB;
  auto budget = Budget::exact();
  budget.rules.push_back({"*", CodecSpec{"offload", {}}, {}});
  LateGuard guard(device, budget, options);
  const auto run = [&](int64_t rows) {
    const int64_t unpins = device.unpins;
    step(rows);
    EXPECT_EQ(device.unpins, unpins) << "a save or an unpack waited for the device";
    guard.controller->step();
    return guard.controller->usage().offloaded_bytes;
  };
  for (int i = 0; i < 3; ++i) run(512);
  EXPECT_EQ(run(512), 6 * kMiB);
  EXPECT_EQ(run(768), 0) << "the pool is full of blocks of 2 MiB";
  EXPECT_EQ(run(768), 6 * kMiB);
  EXPECT_EQ(device.host_pool()->pinned(), 6 * kMiB);
  EXPECT_EQ(device.unpins, 3);
  EXPECT_EQ(device.too_late, 0);
}

TEST_F(OffloadTraining, GraphsOutliveTheGuard) {
  const auto stock = step();
  auto x = torch::linspace(-1, 1, kMiB / 2).view({512, 1024}).requires_grad_();
  at::Tensor loss;
  const int64_t before = meter().current();
  {
    LateGuard guard(device, exact_within(0.7), {});
    for (int i = 0; i < 3; ++i) {
      step();
      guard.controller->step();
    }
    auto h = x * 1.5;
    for (int i = 0; i < 8; ++i) h = h.sin();
    loss = h.sum();
    h.reset();
    guard.session->store->poll();
    EXPECT_GT(device.host_pool()->current(), 0);
  }
  loss.backward({}, true);
  test::expect_same_bits(x.grad(), stock[0], "first backward");
  x.mutable_grad().reset();
  loss.backward();
  test::expect_same_bits(x.grad(), stock[0], "second backward");
  x.mutable_grad().reset();
  loss.reset();
  EXPECT_EQ(meter().current(), before);
  EXPECT_EQ(device.host_pool()->pinned(), 0);
  EXPECT_EQ(device.too_late, 0);
}

TEST_F(OffloadTraining, AStepThatThrowsLeavesNothingBehind) {
  const auto stock = step();
  const int64_t before = meter().current();
  {
    LateGuard guard(device, exact_within(0.7), {});
    for (int i = 0; i < 6; ++i) {
      if (i == 3) {
        auto x = torch::linspace(-1, 1, kMiB / 2).view({512, 1024}).requires_grad_();
        auto h = x * 1.5;
        for (int k = 0; k < 8; ++k) h = h.sin();
        EXPECT_ANY_THROW(h.mm(h));
      }
      test::expect_same_bits(step()[0], stock[0], "gradient of step " + std::to_string(i));
      guard.controller->step();
    }
  }
  EXPECT_EQ(meter().current(), before);
  EXPECT_EQ(device.host_pool()->current(), 0);
}

TEST_F(OffloadTraining, ANegativeBoundIsRefused) {
  GuardOptions options;
  options.host_pool_bytes = -1;
  EXPECT_THROW(LateGuard(device, Budget::exact(), options), Error);
}

}  // namespace
}  // namespace cinch::hooks
