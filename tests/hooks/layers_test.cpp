#include "hooks/layers.h"

#include "tests/hooks/support.h"

namespace cinch::hooks {
namespace {

TEST(Layers, CountWeightsParametersAndGradients) {
  torch::nn::Linear linear(64, 32);
  Layers layers;
  layers.track("net", *linear);
  EXPECT_EQ(layers.weights(), 1);
  EXPECT_EQ(layers.parameters_bytes(), (64 * 32 + 32) * 4);
  EXPECT_EQ(layers.gradients_bytes(), 0);
  linear->forward(torch::ones({2, 64})).sum().backward();
  EXPECT_EQ(layers.gradients_bytes(), (64 * 32 + 32) * 4);
  EXPECT_TRUE(layers.is_parameter(linear->weight.t()));
  EXPECT_FALSE(layers.is_parameter(linear->weight + 1));
}

TEST(Layers, OfAGuardDoNotKeepTheModelAlive) {
  auto& meter = DeviceMeter::of(c10::kCPU);
  const int64_t before = meter.current_bytes();
  BudgetGuard guard(Budget::exact());
  {
    torch::nn::Linear linear(256, 256);
    guard.track("net", *linear);
    EXPECT_GT(meter.current_bytes(), before);
  }
  EXPECT_EQ(meter.current_bytes(), before);
  EXPECT_NO_THROW(guard.step());
}

}  // namespace
}  // namespace cinch::hooks
