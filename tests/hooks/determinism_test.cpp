// The same program gives the same bits; nothing of cinch touches the model's generators; off means stock.
#include <ATen/CPUGeneratorImpl.h>

#include <cstdlib>

#include "tests/hooks/support.h"

namespace cinch::test {
namespace {

class Determinism : public InEverySetting {};

struct Net : torch::nn::Module {
  Net()
      : conv(register_module("conv", torch::nn::Conv2d(torch::nn::Conv2dOptions(1, 8, 3).padding(1)))),
        norm(register_module("norm", torch::nn::BatchNorm2d(8))),
        linear(register_module("linear", torch::nn::Linear(8 * 8 * 8, 10))) {}
  at::Tensor forward(const at::Tensor& x) {
    auto h = torch::max_pool2d(norm(conv(x)).relu(), 2);
    return linear(torch::dropout(h.flatten(1), 0.2, is_training()));
  }
  torch::nn::Conv2d conv;
  torch::nn::BatchNorm2d norm;
  torch::nn::Linear linear;
};

// Losses and final parameters of a short training with momentum, under the trial's guard if it has one.
Tensors train(Trial run, int steps) {
  run.start_bytes = DeviceMeter::of(c10::kCPU).current_bytes();
  BudgetGuard* const guard = run.guard;
  torch::manual_seed(5);
  Net net;
  torch::optim::SGD optimizer(net.parameters(), torch::optim::SGDOptions(0.05).momentum(0.9));
  if (guard != nullptr) {
    guard->track("model", net);
    guard->track(optimizer);
  }
  Tensors results;
  for (int i = 0; i < steps; ++i) {
    optimizer.zero_grad();
    auto loss = at::cross_entropy_loss(net.forward(torch::randn({16, 1, 16, 16})), torch::randint(10, {16}));
    run.squeeze();
    loss.backward();
    optimizer.step();
    results.push_back(loss.detach());
    if (guard != nullptr) {
      guard->step();
    }
  }
  for (const auto& parameter : net.parameters()) {
    results.push_back(parameter.detach().clone());
  }
  for (const auto& buffer : net.buffers()) {
    results.push_back(buffer.clone());
  }
  results.push_back(torch::randn({4}));  // the generator's state, seen from outside
  return results;
}

Tensors train_under(Setting setting, uint64_t seed, int steps = 6) {
  auto options = options_of(setting);
  options.seed = seed;
  BudgetGuard guard(budget_of(setting), options);
  auto results = train(Trial{setting, &guard}, steps);
  if (setting == Setting::kReclaim || setting == Setting::kReclaimExact) {
    EXPECT_GE(guard.usage().reclaims, steps) << "nothing was under pressure";
  }
  return results;
}

Tensors train_stock(int steps) { return train(Trial{}, steps); }

TEST_P(Determinism, TwoRunsAreBitEqual) {
  const auto once = train_under(GetParam(), 1);
  const auto twice = train_under(GetParam(), 1);
  for (size_t i = 0; i < once.size(); ++i) {
    expect_same_bits(twice[i], once[i], "result " + std::to_string(i));
  }
}

TEST_P(Determinism, LosslessTrainingIsStocksBitForBit) {
  if (!is_lossless(GetParam())) {
    GTEST_SKIP() << "lossy by intent";
  }
  const auto stock = train_stock(6);
  const auto got = train_under(GetParam(), 1);
  for (size_t i = 0; i < stock.size(); ++i) {
    expect_same_bits(got[i], stock[i], "result " + std::to_string(i));
  }
}

TEST_P(Determinism, TheModelsGeneratorIsNeverTouched) {
  expect_like_stock(
      GetParam(),
      [](const Trial& run) -> Tensors {
        auto x = leaf({64, 64});
        auto loss = at::dropout((x * 2).sin(), 0.5, true).mm(x).sum();
        run.squeeze();
        loss.backward();
        return {at::detail::getDefaultCPUGenerator().get_state(), torch::rand({8})};
      },
      Bits::kAlways);
}

TEST(DeterminismOnce, TheGuardsSeedDecidesTheRounding) {
  const auto a = train_under(Setting::kLossy, 1);
  const auto b = train_under(Setting::kLossy, 2);
  EXPECT_FALSE(at::equal(a[8], b[8])) << "the first weights after six steps";
  EXPECT_TRUE(at::equal(a.back(), b.back())) << "the model's generator";
}

TEST(DeterminismOnce, TrainingAfterAGuardIsStocks) {
  const auto stock = train_stock(4);
  train_under(Setting::kLossy, 1);
  const auto after = train_stock(4);
  for (size_t i = 0; i < stock.size(); ++i) {
    expect_same_bits(after[i], stock[i], "result " + std::to_string(i));
  }
}

TEST(DeterminismOnce, TheVariableThatDisablesMakesGuardsInert) {
  const auto stock = train_stock(4);
  setenv("CINCH_DISABLE", "1", 1);
  const auto off = train_under(Setting::kLossy, 1, 4);
  {
    BudgetGuard first(Budget::bytes(1));
    BudgetGuard second(Budget::bytes(1));
    EXPECT_EQ(DeviceMeter::of(c10::kCPU).limit_bytes(), 0);
    EXPECT_EQ(second.usage().raw_bytes, 0);
  }
  unsetenv("CINCH_DISABLE");
  for (size_t i = 0; i < stock.size(); ++i) {
    expect_same_bits(off[i], stock[i], "result " + std::to_string(i));
  }
}

CINCH_IN_EVERY_SETTING(Determinism);

}  // namespace
}  // namespace cinch::test
