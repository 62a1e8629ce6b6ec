// Replays while other backwards run: nothing is measured then, and gradients are right.
#include <functional>
#include <utility>

#include "cinch/torch/guard.h"
#include "tests/hooks/replay/net.h"
#include "tests/hooks/support.h"

namespace cinch::test {
namespace {

// While two backwards run at once nobody knows whose gradient a leaf gets: nothing is taken from such a step, and the
// gradients are right.
TEST(Replay, TwoBackwardsAtOnceSpoilTheMeasurementNotTheGradients) {
  Net net;
  const Batch batch;
  const at::Tensor exact = net.gradient(batch.x, batch.target);
  BudgetGuard guard(*net.all, everything({"group_quant", {{"bits", int64_t{8}}}}));
  for (int i = 0; i < kSteps; ++i) {
    for (auto& p : net.all->parameters()) p.mutable_grad() = at::Tensor();
    const auto loss = net.loss(batch.x, batch.target), other = net.loss(batch.x, batch.target);
    bool done = false;
    loss.register_hook([&](const at::Tensor&) {
      if (!std::exchange(done, true)) torch::autograd::grad({other}, {net.last->weight});
    });
    loss.backward();
    std::vector<at::Tensor> parts;
    for (const auto& p : net.all->parameters()) parts.push_back(p.grad().flatten().to(torch::kFloat64));
    EXPECT_LT(squared(torch::cat(parts) - exact) / squared(exact), 1e-2);
    guard.step();
  }
  for (const SiteProfile& site : guard.profile()->sites) EXPECT_EQ(site.replays, 0) << site.name;
  EXPECT_EQ(guard.usage().gradient_pairs, 0);
}

void nest(int depth, const std::function<void()>& innermost) {
  if (depth == 0) return innermost();
  const at::AutoGradMode with_grad(true);
  const auto x = torch::ones({1}, torch::requires_grad()) * 1;
  x.register_hook([&](const at::Tensor&) { nest(depth - 1, innermost); });
  x.backward();
}

// The sixtieth backward within others goes on on another thread, which knows of no replay: none may be that one.
TEST(Replay, DeeplyNestedBackwardsAccumulateWhatTheProgramAskedFor) {
  struct Accumulated : torch::autograd::PostAccumulateGradHook {
    explicit Accumulated(int64_t& count) : calls(count) {}
    void operator()(const torch::autograd::Variable&) override { ++calls; }
    int64_t& calls;
  };
  Net net;
  int64_t calls = 0;
  torch::autograd::impl::set_post_acc_grad_hooks(net.first->weight, std::make_unique<Accumulated>(calls));
  BudgetGuard guard(*net.all, everything({"group_quant", {{"bits", int64_t{8}}}}));
  for (int i = 0; i < kSteps; ++i) {
    const Batch batch;
    const auto loss = net.loss(batch.x, batch.target), twice = loss * 2;
    bool done = false;
    twice.register_hook([&](const at::Tensor&) {
      if (!std::exchange(done, true)) nest(55 + i % 6, [&] { loss.backward({}, /*keep_graph=*/true); });
    });
    twice.backward();
    EXPECT_EQ(std::exchange(calls, 0), 2) << i;
    guard.step();
  }
}

}  // namespace
}  // namespace cinch::test
