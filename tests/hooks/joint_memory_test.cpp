// What planes of pairs cost, and that both slots of a backward come from one side whatever other threads do.
#include <limits>
#include <thread>

#include "tests/hooks/support.h"

namespace cinch::test {
namespace {

using at::Tensor;
constexpr int64_t kNumel = 256 * 256, kBytes = kNumel * 4;
constexpr int kPairs = 8;

DeviceMeter& meter() { return DeviceMeter::of(c10::kCPU); }

// Steps until a plan of lossless forms runs. forward() leaves nothing behind but its graph; what that holds in the last
// step is returned.
struct Held {
  int64_t bytes = 0;
  Usage usage;
};
Held held_under_a_plan(const std::function<Tensor(const Tensor&)>& forward) {
  Held held;
  const Tensor x = leaf({256, 256});
  BudgetGuard guard(Budget::exact());
  for (int i = 0; i < 5; ++i) {
    const int64_t before = meter().current_bytes();
    const Tensor y = forward(x);
    held.bytes = meter().current_bytes() - before;
    y.backward();
    x.mutable_grad().reset();
    guard.step();
    held.usage = guard.usage();
  }
  EXPECT_EQ(held.usage.fallbacks, 0);
  return held;
}

// The last one may be raw still; the rest of the slack is scalars and headers.
constexpr int64_t kSlack = 16384;

TEST(JointMemory, AReductionKeepsOneBitAValue) {
  const Held held = held_under_a_plan([](const Tensor& x) {
    Tensor sum = at::zeros({});
    for (int i = 0; i < kPairs; ++i) sum = sum + (x * (i + 2)).amax({1}).sum();
    return sum;
  });
  EXPECT_EQ(held.usage.raw_bytes, kPairs * kBytes);
  EXPECT_LE(held.bytes, kBytes + kPairs * kBytes / 32 + kSlack);
  EXPECT_GE(held.bytes, (kPairs - 1) * kBytes / 32);
  EXPECT_LE(held.usage.charged_bytes, 2 * kBytes + kPairs * kBytes / 32 + kSlack);
}

TEST(JointMemory, TwoOperandsKeepTwoBitsForBoth) {
  const Held held = held_under_a_plan([](const Tensor& x) {
    Tensor sum = at::zeros({});
    for (int i = 0; i < kPairs; ++i) sum = sum + at::maximum(x * (i + 2), x.flip({1}) * (i + 3)).sum();
    return sum;
  });
  EXPECT_EQ(held.usage.raw_bytes, 2 * kPairs * kBytes);
  EXPECT_LE(held.bytes, 2 * kBytes + kPairs * kBytes / 16 + kSlack);
  EXPECT_GE(held.bytes, (kPairs - 1) * kBytes / 16);
  EXPECT_LE(held.usage.charged_bytes, 4 * kBytes + kPairs * kBytes / 16 + kSlack);
}

TEST(JointMemory, ThePlanSaysMaskForBothSides) {
  const Tensor x = leaf({256, 256});
  BudgetGuard guard(Budget::exact());
  for (int i = 0; i < 3; ++i) {
    const Tensor y = at::maximum(x * 2, x * 3).sum();  // the operands' temporaries end here
    y.backward();
    guard.step();
  }
  ASSERT_NE(guard.plan(), nullptr);
  const auto& entries = guard.plan()->entries;
  ASSERT_EQ(entries.size(), 2u);
  for (const PlanEntry& entry : entries) {
    EXPECT_EQ(entry.spec.name, "mask") << entry.site;
    // Counted on both sides, since either could be the only one that goes.
    EXPECT_EQ(entry.charged_bytes, 64 + 2 * kNumel / 8) << entry.site;
  }
  for (const SiteProfile& site : guard.profile()->sites) {
    EXPECT_EQ(site.need, Need::kMask);
    EXPECT_EQ(site.predicate.kind, PredicateKind::kJointSign);
  }
  const Profile again = Profile::from_json(guard.profile()->to_json());
  EXPECT_EQ(again.sites[0].predicate, guard.profile()->sites[0].predicate);
}

// The user holds one of the two: the other one goes all the same, and the plane serves both.
TEST(JointMemory, OneOfTheTwoMayStay) {
  const Tensor x = leaf({256, 256});
  for (const bool first : {true, false}) {
    const auto run = [&](BudgetGuard* guard) {
      const Tensor kept = x * 3;
      const int64_t before = meter().current_bytes();
      const Tensor y = (first ? at::maximum(kept, x * 2) : at::maximum(x * 2, kept)).sum();
      (x * 5).abs();  // another save looks for what can be coded
      if (guard != nullptr) {
        EXPECT_LE(meter().current_bytes() - before, kBytes / 16 + kSlack);
      }
      y.backward();
      const Tensor gradient = x.grad().clone();
      x.mutable_grad().reset();
      return gradient;
    };
    const Tensor stock = run(nullptr);
    BudgetGuard guard(Budget::exact());
    for (int i = 0; i < 4; ++i) {
      expect_same_bits(run(guard.phase() == Phase::kRun ? &guard : nullptr), stock, "gradient");
      guard.step();
    }
    EXPECT_EQ(guard.usage().fallbacks, 0);
  }
}

// A site that needs values outlives the pair: the plane goes with the pair.
TEST(JointMemory, ThePlaneGoesWithItsTwoSaves) {
  const Tensor x = leaf({256, 256});
  BudgetGuard guard(Budget::exact());
  for (int i = 0; i < 4; ++i) {
    const int64_t start = meter().current_bytes();
    Tensor h = x * 2;
    Tensor masked = h.abs().sum();
    Tensor joint = h.amax({1}).sum();
    h.reset();
    at::tanh(x);  // another save looks for what can be coded
    const int64_t both = meter().current_bytes() - start;
    joint.reset();
    const int64_t mask = meter().current_bytes() - start;
    if (i == 3) {
      EXPECT_LT(both, kBytes / 4);
      EXPECT_GE(both - mask, kBytes / 32);
      EXPECT_GE(mask, kBytes / 16);  // abs wants a sign
    }
    masked.backward();
    x.mutable_grad().reset();
    guard.step();
  }
  EXPECT_EQ(guard.usage().fallbacks, 0);
}

// Backwards of one graph on several threads while another one squeezes its payloads.
TEST(JointMemory, BothSlotsComeFromOneSideUnderPressure) {
  constexpr int kThreads = 3, kRounds = 40;
  const Tensor x = ((at::randn({64, 128}) * 2).round() / 2).requires_grad_();
  const auto forward = [&] {
    Tensor sum = at::zeros({});
    for (int i = 0; i < kPairs; ++i) {
      const Tensor h = x * (i + 2);
      sum = sum + at::maximum(h, x.flip({0}) * 3).sum() + (h * 2).amax({1}).sum() +
            at::linalg_vector_norm(h * 3, std::numeric_limits<double>::infinity(), {{0}}).sum();
    }
    return sum;
  };
  const Tensor stock = torch::autograd::grad({forward()}, {x})[0];
  const int64_t base = meter().current_bytes();
  const int64_t limit = base + (int64_t{64} << 20);
  int64_t reclaims = 0;
  {
    Budget budget = without_noise_bound(limit);
    budget.allow = {"exact"};
    GuardOptions options;
    options.observe_steps = 1000;  // no plan: the reclaimer alone codes
    BudgetGuard guard(budget, options);
    for (int round = 0; round < kRounds; ++round) {
      const Tensor y = forward();
      std::vector<Tensor> gradients(kThreads);
      std::vector<std::thread> threads;
      for (int t = 0; t < kThreads; ++t)
        threads.emplace_back(
            [&, t] { gradients[static_cast<size_t>(t)] = torch::autograd::grad({y}, {x}, {}, true)[0]; });
      try {
        at::empty({limit - base}, at::kByte);
      } catch (const OutOfBudget&) {
      }
      for (auto& thread : threads) thread.join();
      for (const Tensor& gradient : gradients) expect_same_bits(gradient, stock, "round " + std::to_string(round));
      guard.step();
    }
    reclaims = guard.usage().reclaims;
  }
  EXPECT_GT(reclaims, 0);
  EXPECT_EQ(meter().current_bytes(), base);
}

}  // namespace
}  // namespace cinch::test
