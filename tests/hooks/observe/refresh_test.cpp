// Values change while training runs, and with them what codes cost: options are evaluated anew, plans follow.
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <algorithm>
#include <limits>
#include <span>

#include "cinch/codec.h"
#include "cinch/plan.h"
#include "cinch/profile.h"
#include "cinch/torch/guard.h"
#include "tests/hooks/support.h"

namespace cinch::test {
namespace {

// One linear layer's input, which is what the backward reads; 1 MiB.
struct Step {
  at::Tensor weight = torch::randn({64, 64}).requires_grad_();
  // Nothing but the graph holds the input when the backward begins.
  at::Tensor loss(const at::Tensor& values) const { return torch::mm(values * 1.0, weight).square().mean(); }
  void run(BudgetGuard& guard, const at::Tensor& values) {
    loss(values).backward();
    guard.step();
  }
};

const PayloadProfile& input_of(const Profile& profile) {
  for (const PayloadProfile& payload : profile.payloads)
    if (profile.sites[static_cast<size_t>(payload.sites.front())].name.find("mm#0:self") != std::string::npos)
      return payload;
  throw Error("the profile has no mm");
}

const Option& option_of(const PayloadProfile& payload, const CodecSpec& spec) {
  const auto found =
      std::ranges::find_if(payload.options, [&](const Option& o) { return normalise(o.spec) == normalise(spec); });
  if (found == payload.options.end()) throw Error("no such option");
  return *found;
}

at::Tensor even() { return torch::rand({4096, 64}); }

// Ranges are small beside the values.
at::Tensor alike() { return 1 + 0.1 * torch::rand({4096, 64}); }

// Mostly zeros, which cost next to nothing.
at::Tensor sparse() {
  const at::Tensor x = torch::randn({4096, 64});
  return torch::where(torch::rand_like(x) < 0.05, x, torch::zeros_like(x));
}

// Codes values as the backward would see them.
struct Coded {
  int64_t bytes = 0;
  double relative_error = 0;
};
Coded code(const CodecSpec& spec, const at::Tensor& values) {
  const auto codec = make_codec(spec);
  std::vector<float> back(static_cast<size_t>(values.numel()));
  const Extent extent{values.const_data_ptr(), values.numel(), DType::kFloat32};
  std::vector<std::byte> room(static_cast<size_t>(codec->measure(extent, {}, {}).value()));
  const int64_t bytes = codec->encode(extent, {}, room, {}).value();
  codec->decode(std::span(room).first(static_cast<size_t>(bytes)), back.data(), values.numel(), DType::kFloat32, {});
  const at::Tensor error = torch::from_blob(back.data(), values.sizes()) - values;
  return {bytes, (error.square().sum() / values.square().sum()).item<double>()};
}

constexpr int kSteps = 60;

TEST(Refresh, ErrorsOfOptionsFollowTheValues) {
  torch::manual_seed(1);
  const CodecSpec spec{"group_quant", {{"bits", 4}}};
  Step step;
  BudgetGuard guard(everything(spec));
  while (guard.phase() == Phase::kObserve) step.run(guard, alike());
  const double before = option_of(input_of(*guard.profile()), spec).relative_error;
  for (int i = 0; i < kSteps; ++i) step.run(guard, even());
  const Option& now = option_of(input_of(*guard.profile()), spec);
  EXPECT_GT(now.relative_error, 5 * before);
  EXPECT_NEAR(now.relative_error / code(spec, even()).relative_error, 1, 0.2);
}

TEST(Refresh, BytesOfPlansFollowTheValues) {
  torch::manual_seed(2);
  const CodecSpec spec{"dither", {{"step_sigma", 0.5}}};
  Step step;
  BudgetGuard guard(everything(spec));
  while (guard.phase() == Phase::kObserve) step.run(guard, sparse());
  const auto planned = [&] {
    for (const PlanEntry& entry : guard.plan()->entries)
      if (entry.op == "mm") return static_cast<double>(entry.charged_bytes);
    return 0.0;
  };
  EXPECT_NEAR(planned() / static_cast<double>(code(spec, sparse()).bytes), 1, 0.06);
  for (int i = 0; i < kSteps; ++i) step.run(guard, even());
  EXPECT_NEAR(planned() / static_cast<double>(code(spec, even()).bytes), 1, 0.06);
}

TEST(Refresh, WhatRulesAskForIsEvaluatedAnewToo) {
  torch::manual_seed(3);
  const CodecSpec spec{"cast", {{"dtype", std::string("fp8_e4m3")}}};
  Step step;
  BudgetGuard guard(everything(spec));
  while (guard.phase() == Phase::kObserve) step.run(guard, even());
  for (int i = 0; i < kSteps; ++i) step.run(guard, i % 2 == 0 ? even() : alike());
  EXPECT_EQ(option_of(input_of(*guard.profile()), spec).spec.name, "cast");
  EXPECT_EQ(guard.usage().fallbacks, 0);
}

// A branch that is dropped, an overflow: nothing that later steps could be planned with.
TEST(Refresh, OddStepsChangeNothing) {
  torch::manual_seed(4);
  const CodecSpec spec{"dither", {{"step_sigma", 0.5}}};
  for (const double odd : {0.0, std::numeric_limits<double>::quiet_NaN()}) {
    Step step;
    BudgetGuard guard(everything(spec));
    for (int i = 0; i < kSteps; ++i) step.run(guard, even());
    const PayloadProfile before = input_of(*guard.profile());
    ASSERT_GT(guard.profile()->sites[static_cast<size_t>(before.sites.front())].replays, 0);
    for (int i = 0; i < kSteps; ++i) step.run(guard, torch::full({4096, 64}, odd));
    for (int i = 0; i < kSteps; ++i) step.run(guard, even());
    const PayloadProfile& after = input_of(*guard.profile());
    EXPECT_NEAR(static_cast<double>(option_of(after, spec).charged_bytes) /
                    static_cast<double>(option_of(before, spec).charged_bytes),
                1, 0.1);
    EXPECT_GT(option_of(after, spec).noise_variance, 0);
    EXPECT_EQ(guard.profile()->sites[static_cast<size_t>(after.sites.front())].unplayed, "") << odd;
  }
}

}  // namespace
}  // namespace cinch::test
