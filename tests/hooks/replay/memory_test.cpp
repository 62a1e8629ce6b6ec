// What replays take of a tight limit, and what they can still measure under one.
#include <algorithm>

#include "cinch/torch/guard.h"
#include "tests/hooks/replay/net.h"
#include "tests/hooks/support.h"

namespace cinch::test {
namespace {

// A limit that leaves no room for a second set of gradients: measuring fails, training does not, and nothing is coded
// further for it.
TEST(Replay, TakesNoMemoryThatTrainingNeeds) {
  Net net;
  Budget budget = everything({"dither", {{"step_sigma", 1.0}}});
  BudgetGuard guard(*net.all, budget);
  const auto step = [&] {
    const Batch batch;
    net.gradient(batch.x, batch.target);
    guard.step();
  };
  while (guard.phase() == Phase::kObserve) step();
  budget.limit = {LimitKind::kBytes,
                  static_cast<double>(guard.plan()->predicted_peak_bytes + guard.profile()->reserve_bytes + 4096)};
  guard.replan(budget);
  step();
  const int64_t reclaims = guard.usage().reclaims;
  for (int i = 0; i < kSteps; ++i) ASSERT_NO_THROW(step());
  EXPECT_EQ(guard.usage().reclaims, reclaims);
  EXPECT_FALSE(guard.last_overrun());
  EXPECT_LE(guard.usage().device_peak_bytes, guard.usage().limit_bytes);
}

// An error near the loss is followed through the wide layers at the other end, when all that was saved is alive: what
// that holds is many times the largest payload.
TEST(Replay, UnderALimitErrorsFarFromTheWideLayersAreFollowedToo) {
  torch::manual_seed(5);
  torch::nn::Sequential net;
  int64_t channels = 3;
  for (int block = 0; block < 6; ++block) {
    const int64_t next = block < 3 ? 32 : 8;
    net->push_back(torch::nn::Conv2d(torch::nn::Conv2dOptions(channels, next, 3).padding(1).stride(block < 3 ? 1 : 2)));
    net->push_back(torch::nn::BatchNorm2d(next));
    net->push_back(torch::nn::GELU());
    channels = next;
  }
  net->push_back(torch::nn::Flatten());
  net->push_back(torch::nn::Linear(8 * 4 * 4, 10));
  Budget budget = Budget::above_floor(0.85);
  budget.min_effective_batch = 0;
  BudgetGuard guard(*net, budget);
  for (int i = 0; i < kSteps; ++i) {
    net->zero_grad();
    const auto x = torch::randn({16, 3, 32, 32}), target = torch::randint(10, {16});
    torch::nn::functional::cross_entropy(net->forward(x), target).backward();
    guard.step();
  }
  for (const SiteProfile& site : guard.profile()->sites) EXPECT_EQ(site.unplayed, "") << site.name;
}

// The gradients of the parameters that an error reaches are let go one by one: where parameters are most of the memory,
// a limit has no room for all of them once more.
TEST(Replay, UnderALimitErrorsBehindWideWeightsAreFollowedToo) {
  torch::manual_seed(5);
  torch::nn::Sequential net;
  for (int block = 0; block < 8; ++block) {
    net->push_back(torch::nn::Linear(768, 768));
    net->push_back(torch::nn::GELU());
  }
  Budget budget = Budget::above_floor(0.5);
  budget.min_effective_batch = 0;
  BudgetGuard guard(*net, budget);
  for (int i = 0; i < kSteps; ++i) {
    net->zero_grad(/*set_to_none=*/false);
    torch::nn::functional::cross_entropy(net->forward(torch::randn({512, 768})), torch::randint(768, {512})).backward();
    guard.step();
  }
  const auto profile = guard.profile();
  EXPECT_LT(guard.usage().limit_bytes, profile->floor_bytes() + profile->gradients_bytes) << "no second set fits";
  for (const SiteProfile& site : profile->sites) EXPECT_EQ(site.unplayed, "") << site.name;
}

}  // namespace
}  // namespace cinch::test
