// What replays measure is what codes do to the gradient.
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <algorithm>
#include <functional>

#include "cinch/plan.h"
#include "cinch/profile.h"
#include "cinch/torch/guard.h"
#include "tests/hooks/replay/net.h"
#include "tests/hooks/support.h"

namespace cinch::test {
namespace {

Batch seeded_batch() {
  torch::manual_seed(4);
  return {};
}

// Every site alone under one codec: the measured sensitivities have to foretell what its error does to the gradient.
void expect_noise_foretold(const CodecSpec& spec, double most, const Batch& batch = seeded_batch()) {
  Net net;
  const at::Tensor exact = net.gradient(batch.x, batch.target);
  const double size = squared(exact);
  std::shared_ptr<const Profile> profile;
  {
    BudgetGuard guard(*net.all, everything(spec));
    for (int i = 0; i < kSteps; ++i) {
      net.gradient(batch.x, batch.target);
      guard.step();
    }
    profile = guard.profile();
  }
  int looked_at = 0;
  double sum = 0, true_sum = 0;
  for (const PayloadProfile& payload : profile->payloads) {
    const auto option = std::ranges::find_if(payload.options, [](const Option& o) { return !o.lossless; });
    if (option == payload.options.end()) continue;
    for (const int32_t index : payload.sites) {
      const SiteProfile& site = profile->sites[static_cast<size_t>(index)];
      if (is_value(site.need)) {
        EXPECT_GT(site.replays, 0) << site.name << ": " << site.unplayed;
      }
    }
    // All sites of the payload are coded together, the other payloads are not.
    Budget alone = everything({"keep", {}});
    SiteRule rule;
    rule.match = profile->sites[static_cast<size_t>(payload.sites.front())].name;
    rule.codec = spec;
    alone.rules.push_back(rule);
    GuardOptions options;
    options.measure = false;
    BudgetGuard guard(*net.all, alone, options);
    while (guard.phase() == Phase::kObserve) {
      net.gradient(batch.x, batch.target);
      guard.step();
    }
    constexpr int kDraws = 16;
    double noise = 0;
    for (int i = 0; i < kDraws; ++i) {
      noise += squared(net.gradient(batch.x, batch.target) - exact) / size / kDraws;
      guard.step();
    }
    const auto priced =
        std::ranges::find_if(payload.options, [&](const Option& o) { return normalise(o.spec) == normalise(spec); });
    ASSERT_NE(priced, payload.options.end()) << rule.match;
    // A layer norm takes out what lies along its input, and its error puts a little of that back: one number a row,
    // whose square varies much from draw to draw.
    const double within = rule.match.find("layer_norm") != std::string::npos ? 3 * most : most;
    EXPECT_GT(priced->noise_variance, noise / within) << rule.match;
    EXPECT_LT(priced->noise_variance, noise * within) << rule.match;
    sum += priced->noise_variance;
    true_sum += noise;
    ++looked_at;
  }
  EXPECT_GT(sum, true_sum / 1.3);
  EXPECT_LT(sum, true_sum * 1.3);
  EXPECT_GE(looked_at, 7);
}

TEST(Replay, ForetellsTheNoiseOfEachSite) { expect_noise_foretold({"dither", {{"step_sigma", 1.0}}}, 1.6); }

// Values that were coded before lie on the levels of the codec, where coding them again makes no error: they are coded
// with fewer bits, whose error is spread a little differently.
TEST(Replay, ForetellsTheNoiseOfCodesWithFixedLevels) { expect_noise_foretold({"group_quant", {{"bits", 4}}}, 2.2); }

// Where neighbours predict, values of a chunk share a draw: values that were coded before would all have the same error
// on levels of the same distance.
TEST(Replay, ForetellsTheNoiseOfCodesWhereNeighboursPredict) {
  Batch smooth = seeded_batch();
  smooth.x =
      torch::nn::functional::interpolate(torch::randn({32, 3, 4, 4}), torch::nn::functional::InterpolateFuncOptions()
                                                                          .size(std::vector<int64_t>{16, 16})
                                                                          .mode(torch::kBilinear)
                                                                          .align_corners(false));
  expect_noise_foretold({"dither", {{"step_sigma", 0.0625}, {"predict", std::string("lorenzo")}}}, 2, smooth);
}

// Much of each map is one value, whose errors are one number: they do far more together than others.
TEST(Replay, ForetellsTheNoiseOfErrorsThatFlatMapsShare) {
  Batch flat = seeded_batch();
  flat.x = flat.x * (torch::rand({32, 1, 16, 16}) < 0.1);
  expect_noise_foretold({"dither", {{"step_sigma", 0.25}, {"predict", std::string("lorenzo")}}}, 2.5, flat);
}

// What the sites of the op that squares a hidden layer do to the gradient, all together.
double sensitivity_of(const std::function<at::Tensor(const at::Tensor&)>& square) {
  torch::manual_seed(3);
  torch::nn::Sequential net(torch::nn::Linear(64, 64), torch::nn::Linear(64, 10));
  const at::Tensor x = torch::randn({256, 64});
  BudgetGuard guard(*net, everything({"dither", {{"step_sigma", 1.0}}}));
  for (int i = 0; i < kSteps; ++i) {
    for (auto& p : net->parameters()) p.mutable_grad() = at::Tensor();
    const at::Tensor hidden = square(net->at<torch::nn::LinearImpl>(0).forward(x));
    net->at<torch::nn::LinearImpl>(1).forward(hidden).square().mean().backward();
    guard.step();
  }
  double sum = 0;
  const auto profile = guard.profile();
  for (const SiteProfile& site : profile->sites) {
    const bool squares = site.op.find("mul") != std::string::npos || site.op.find("pow") != std::string::npos;
    if (!squares || site.sizes != std::vector<int64_t>{256, 64} || !is_value(site.need)) continue;
    EXPECT_GT(site.replays, 0) << site.name << ": " << site.unplayed;
    sum += site.sensitivity;
  }
  return sum;
}

// x * x saves x twice, x.square() once; their gradients are the same.
TEST(Replay, ATensorThatOneOpSavesTwiceCountsOnce) {
  const double twice = sensitivity_of([](const at::Tensor&x) { return x * x; }),
               once = sensitivity_of([](const at::Tensor&x) { return x.square(); });
  EXPECT_GT(twice, 0);
  EXPECT_NEAR(twice, once, once / 4);
}

}  // namespace
}  // namespace cinch::test
