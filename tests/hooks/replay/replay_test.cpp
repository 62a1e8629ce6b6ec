// Replays under a guard: training does not notice them.
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <algorithm>
#include <cmath>

#include "cinch/plan.h"
#include "cinch/profile.h"
#include "cinch/torch/guard.h"
#include "tests/hooks/replay/net.h"
#include "tests/hooks/support.h"

namespace cinch::test {
namespace {

// The same codes, the same draws: whether anybody measures beside it must not change one bit.
TEST(Replay, LeavesTrainingAsItIs) {
  const auto train = [](bool measure) {
    Net net;
    torch::optim::SGD sgd(net.all->parameters(), torch::optim::SGDOptions(0.05).momentum(0.9));
    GuardOptions options;
    options.measure = measure;
    BudgetGuard guard(*net.all, everything({"group_quant", {{"bits", int64_t{4}}}}), options);
    torch::manual_seed(5);
    for (int i = 0; i < kSteps; ++i) {
      const Batch batch;
      sgd.zero_grad();
      net.loss(batch.x, batch.target).backward();
      sgd.step();
      guard.step();
    }
    bool measured = false;
    for (const SiteProfile& site : guard.profile()->sites) measured = measured || site.replays > 0;
    EXPECT_EQ(measured, measure);
    std::vector<at::Tensor> out;
    for (const auto& p : net.all->parameters()) out.push_back(p.detach().clone());
    return out;
  };
  const auto with = train(true), without = train(false);
  for (size_t i = 0; i < with.size(); ++i) expect_same_bits(with[i], without[i], "parameter " + std::to_string(i));
}

// Without a limit, or where rules keep everything, plans are lossless: no step is spent on errors that none will make.
TEST(Replay, MeasuresNothingThatNoPlanMayCode) {
  Budget kept = Budget::above_floor(1.5);
  kept.rules = {{"*", CodecSpec{}, std::nullopt}};
  for (const Budget& budget : {Budget{}, kept}) {
    Net net;
    BudgetGuard guard(*net.all, budget);
    for (int i = 0; i < kSteps; ++i) {
      const Batch batch;
      net.gradient(batch.x, batch.target);
      guard.step();
    }
    for (const SiteProfile& site : guard.profile()->sites) EXPECT_EQ(site.replays, 0) << site.name;
    EXPECT_EQ(guard.plan()->predicted_noise, 0);
  }
}

// A budget that changes while training runs and keeps a layer exact ends the measuring of it, and of it alone.
TEST(Replay, MeasuresNoMoreWhatAChangedBudgetKeeps) {
  Net net;
  Budget budget = everything({"dither", {{"step_sigma", 1.0}}});
  BudgetGuard guard(*net.all, budget);
  const auto train = [&](int steps) {
    for (int i = 0; i < steps; ++i) {
      const Batch batch;
      net.gradient(batch.x, batch.target);
      guard.step();
    }
  };
  // A plan that is asked for takes over what was measured by then.
  const auto replays_now = [&] {
    guard.replan(budget);
    train(1);
    int64_t wide = 0, others = 0;
    for (const SiteProfile& site : guard.profile()->sites) (site.layer == "model.wide" ? wide : others) += site.replays;
    return std::pair(wide, others);
  };
  train(kSteps);
  budget.rules.push_back({"model.wide*", CodecSpec{}, std::nullopt});
  const auto before = replays_now();
  train(2 * kSteps);
  const auto after = replays_now();
  EXPECT_GT(before.first, 0);
  EXPECT_EQ(after.first, before.first);
  EXPECT_GT(after.second, before.second);
}

// Nor does a plan leave room for it: where everything just fits as it is, nothing is coded to make that room.
TEST(Replay, LeavesNoRoomWhereNothingIsMeasured) {
  torch::nn::Sequential net;
  for (int i = 0; i < 8; ++i) net->push_back(torch::nn::Linear(256, 256));
  const at::Tensor x = torch::randn({512, 256});
  const auto plan_within = [&](Budget budget) {
    budget.rules = {{"*", std::nullopt, 0.001}};  // bits a value: fewer than any lossy form has
    BudgetGuard guard(*net, budget);
    for (int i = 0; i < kSteps; ++i) {
      for (auto& p : net->parameters()) p.mutable_grad() = at::Tensor();
      at::Tensor y = x;
      for (size_t k = 0; k < net->size(); ++k) y = y + torch::relu(net->at<torch::nn::LinearImpl>(k).forward(y));
      y.square().mean().backward();
      guard.step();
    }
    return std::pair(*guard.plan(), *guard.profile());
  };
  const auto [roomy, profile] = plan_within(Budget::above_floor(4));
  ASSERT_EQ(roomy.predicted_extra_seconds, 0);
  const int64_t raw_bytes = profile.baseline_peak_bytes() + profile.reserve_bytes;
  EXPECT_EQ(plan_within(Budget::bytes(raw_bytes + 4096)).first.predicted_extra_seconds, 0);
  EXPECT_GT(plan_within(Budget::bytes(raw_bytes - 65536)).first.predicted_extra_seconds, 0) << "masks are there";
}

TEST(Replay, MeasuresHowMuchOfTheGradientIsChance) {
  Net net;
  BudgetGuard guard(*net.all, everything({"group_quant", {{"bits", int64_t{8}}}}));
  torch::manual_seed(5);
  // Targets that say nothing: all of the gradient is chance but for the bias towards no class.
  for (int i = 0; i < kSteps; ++i) {
    const Batch batch;
    net.gradient(batch.x, batch.target);
    guard.step();
  }
  const Usage usage = guard.usage();
  EXPECT_GE(usage.gradient_pairs, 4);
  // The truth, from many batches.
  at::Tensor sum;
  double square = 0;
  constexpr int kBatches = 200;
  for (int i = 0; i < kBatches; ++i) {
    const Batch batch;
    const at::Tensor g = net.gradient(batch.x, batch.target);
    sum = sum.defined() ? sum + g : g;
    square += squared(g) / kBatches;
  }
  const double fixed = squared(sum / kBatches), truth = (square - fixed) / square * kBatches / (kBatches - 1);
  EXPECT_NEAR(usage.gradient_variance, truth, 0.15);
}

// A hook of the program must run as often as without a guard.
TEST(Replay, DoesNotRunHooksOfTheProgram) {
  Net net;
  BudgetGuard guard(*net.all, everything({"dither", {{"step_sigma", 1.0}}}));
  int64_t calls = 0;
  for (int i = 0; i < kSteps; ++i) {
    const Batch batch;
    for (auto& p : net.all->parameters()) p.mutable_grad() = at::Tensor();
    auto h = torch::relu(net.norm(net.first(batch.x * 1.0)));
    h.register_hook([&](const at::Tensor&) { ++calls; });
    h = torch::avg_pool2d(torch::gelu(net.second(h)), 4).flatten(1);
    h = torch::gelu(net.wide(net.normal(h)));
    torch::nn::functional::cross_entropy(net.last(h), batch.target).backward();
    guard.step();
  }
  EXPECT_EQ(calls, kSteps);
  int refused = 0, measured = 0;
  for (const SiteProfile& site : guard.profile()->sites) {
    refused += site.unplayed.find("hook of the program") != std::string::npos ? 1 : 0;
    measured += site.replays > 0 ? 1 : 0;
  }
  EXPECT_GE(refused, 3) << "whose error flows past the hook";
  EXPECT_GE(measured, 3) << "inputs of layers, whose error stays in one weight, and what lies before the hook";
}

struct Doubled : torch::autograd::Function<Doubled> {
  static int64_t backwards;
  static at::Tensor forward(torch::autograd::AutogradContext*, const at::Tensor& x) { return x * 2; }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext*,
                                                 torch::autograd::variable_list gradients) {
    ++backwards;
    return {gradients[0] * 2};
  }
};
int64_t Doubled::backwards = 0;

TEST(Replay, DoesNotRunCustomFunctionsAgain) {
  Doubled::backwards = 0;
  Net net;
  BudgetGuard guard(*net.all, everything({"dither", {{"step_sigma", 1.0}}}));
  for (int i = 0; i < kSteps; ++i) {
    const Batch batch;
    for (auto& p : net.all->parameters()) p.mutable_grad() = at::Tensor();
    auto h = Doubled::apply(torch::relu(net.norm(net.first(batch.x * 1.0))));
    h = torch::avg_pool2d(torch::gelu(net.second(h)), 4).flatten(1);
    torch::nn::functional::cross_entropy(net.last(torch::gelu(net.wide(net.normal(h)))), batch.target).backward();
    guard.step();
  }
  EXPECT_EQ(Doubled::backwards, kSteps);
  const auto& sites = guard.profile()->sites;
  EXPECT_TRUE(std::ranges::any_of(
      sites, [](const SiteProfile& site) { return site.unplayed.find("custom function") != std::string::npos; }));
}

// A program may wait for a leaf's gradient in the node that accumulates it, as DistributedDataParallel does.
TEST(Replay, DoesNotRunHooksBehindALeaf) {
  Net net;
  int64_t calls = 0;
  struct Counter : torch::autograd::FunctionPostHook {
    explicit Counter(int64_t& count) : calls(count) {}
    torch::autograd::variable_list operator()(const torch::autograd::variable_list& outputs,
                                              const torch::autograd::variable_list&) override {
      ++calls;
      return outputs;
    }
    int64_t& calls;
  };
  const auto leaf = torch::autograd::impl::grad_accumulator(net.first->weight);  // lives as long as somebody holds it
  leaf->add_post_hook(std::make_unique<Counter>(calls));
  BudgetGuard guard(*net.all, everything({"dither", {{"step_sigma", 1.0}}}));
  for (int i = 0; i < kSteps; ++i) {
    const Batch batch;
    net.gradient(batch.x, batch.target);
    guard.step();
  }
  EXPECT_EQ(calls, kSteps);
  EXPECT_TRUE(std::ranges::any_of(guard.profile()->sites, [](const SiteProfile& site) {
    return site.unplayed.find("hook of the program") != std::string::npos;
  }));
}

TEST(Replay, GradientAccumulationAndRetainedGraphsAreMeasuredToo) {
  Net net;
  BudgetGuard guard(*net.all, everything({"dither", {{"step_sigma", 1.0}}}));
  for (int i = 0; i < kSteps; ++i) {
    for (auto& p : net.all->parameters()) p.mutable_grad() = at::Tensor();
    for (int part = 0; part < 2; ++part) {
      const Batch batch;
      const auto loss = net.loss(batch.x, batch.target);
      loss.backward({}, /*keep_graph=*/true);
      const at::Tensor first = net.second->weight.grad().clone();
      loss.backward();
      if (part == 0) expect_close(net.second->weight.grad(), 2 * first, 1e-5, "the same graph twice");
    }
    guard.step();
  }
  int measured = 0;
  for (const SiteProfile& site : guard.profile()->sites) measured += site.replays > 0 ? 1 : 0;
  EXPECT_GE(measured, 7);
}

// Optimizers that step as soon as a gradient is there.
TEST(Replay, DoesNotRunHooksAfterAccumulation) {
  struct Accumulated : torch::autograd::PostAccumulateGradHook {
    explicit Accumulated(int64_t& count) : calls(count) {}
    void operator()(const torch::autograd::Variable&) override { ++calls; }
    int64_t& calls;
  };
  for (const bool near : {true, false}) {
    Net net;
    int64_t calls = 0;
    const at::Tensor& watched = near ? net.wide->weight : net.norm->weight;
    torch::autograd::impl::set_post_acc_grad_hooks(watched, std::make_unique<Accumulated>(calls));
    BudgetGuard guard(*net.all, everything({"dither", {{"step_sigma", 1.0}}}));
    for (int i = 0; i < kSteps; ++i) {
      const Batch batch;
      net.gradient(batch.x, batch.target);
      guard.step();
    }
    EXPECT_EQ(calls, kSteps) << near;
  }
}

}  // namespace
}  // namespace cinch::test
