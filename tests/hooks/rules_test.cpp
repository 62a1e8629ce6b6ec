// Codecs that a rule names: every lossy method works under a guard, with the grid of what it codes.
#include <gtest/gtest.h>
#include <torch/torch.h>

#include "cinch/plan.h"
#include "cinch/torch/guard.h"
#include "tests/hooks/support.h"

namespace cinch::test {
namespace {

// Smooth images whose only copy autograd holds, before a convolution and after a ReLU.
struct Images {
  Images() {
    const auto line = torch::linspace(0, 3, 32);
    x = (torch::sin(line.view({32, 1}) + line) + torch::arange(32).view({4, 8, 1, 1})).requires_grad_();
  }
  at::Tensor gradient() {
    weight.mutable_grad() = at::Tensor();
    const auto loss = torch::conv2d((x * 1.0).relu(), weight, {}, 1, 1).square().sum();
    loss.backward();
    return weight.grad().clone();
  }
  at::Tensor weight = leaf({8, 8, 3, 3}), x;
};

struct Result {
  at::Tensor gradient;
  Usage usage;
  std::shared_ptr<const Plan> plan;
};
Result after_three_steps(const Budget& budget) {
  torch::manual_seed(1);
  Images images;
  BudgetGuard guard(budget);
  Result result;
  for (int i = 0; i < 3; ++i) {
    result.gradient = images.gradient();
    guard.step();
  }
  result.usage = guard.usage();
  result.plan = guard.plan();
  return result;
}

TEST(RulesOfGuards, MayNameAnyLossyMethod) {
  torch::manual_seed(1);
  Images images;
  const at::Tensor stock = images.gradient();
  for (const CodecSpec& spec :
       {CodecSpec{"group_quant", {{"bits", int64_t{8}}, {"rounding", std::string("nearest")}}},
        CodecSpec{"lfc", {{"block", int64_t{4}}, {"bits", int64_t{4}}}}, CodecSpec{"pool", {{"block", int64_t{2}}}},
        CodecSpec{"fixed_point", {{"bits", int64_t{8}}}}, CodecSpec{"cast", {{"dtype", std::string("fp16")}}},
        CodecSpec{"dither", {{"step_sigma", 0.7}}}}) {
    const Result got = after_three_steps(everything(spec));
    EXPECT_EQ(got.usage.fallbacks, 0) << to_string(spec);
    const auto uses = [&](const PlanEntry& entry) { return normalise(entry.spec) == normalise(spec); };
    EXPECT_TRUE(std::ranges::any_of(got.plan->entries, uses)) << to_string(spec);
    EXPECT_FALSE(at::equal(got.gradient, stock)) << to_string(spec) << ": nothing was coded";
    expect_close(got.gradient, stock, 0.1, to_string(spec));
  }
}

// A block of 8 by 8 has one average; along one row of values, which is what a codec without a grid sees, there are
// eight.
TEST(RulesOfGuards, CodecsKnowWhichValuesAreNeighbours) {
  const auto charged = [](int64_t block) {
    int64_t bytes = 0;
    for (const PlanEntry& entry : after_three_steps(everything({"pool", {{"block", block}}})).plan->entries)
      if (entry.spec.name == "pool") bytes += entry.charged_bytes;
    return bytes;
  };
  const int64_t values = 4 * 8 * 32 * 32;
  EXPECT_GT(charged(8), 0);
  EXPECT_LT(charged(8), values / 64 * 4 + values / 8 + 1024) << "averages and a mask";
}

}  // namespace
}  // namespace cinch::test
