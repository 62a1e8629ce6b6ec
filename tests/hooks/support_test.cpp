// The support of the other tests does what it says.
#include "tests/hooks/support.h"

#include <gtest/gtest-spi.h>

#include <cmath>

namespace cinch::test {
namespace {

// Two layers whose saves nobody else holds; well conditioned.
Tensors two_layers(const Trial& run) {
  auto x = leaf({64, 64});
  auto w = (torch::randn({64, 64}) * 0.15).requires_grad_();
  auto h = x * 0.5;
  h = h.mm(w);
  h = h.sin();
  h = h.mm(w);
  h = h.relu();
  auto loss = h.sum();
  h.reset();
  run.squeeze();
  loss.backward();
  return {x.grad(), w.grad()};
}

class Support : public InEverySetting {};

TEST_P(Support, ReachesItsSetting) {
  const Setting setting = GetParam();
  Phase last = Phase::kObserve;
  Usage usage;
  const auto note = [&](BudgetGuard& guard) {
    last = guard.phase();
    usage = guard.usage();
  };
  expect_like_stock(setting, two_layers, Bits::kAsSetting, note);
  EXPECT_EQ(last, setting == Setting::kObserve ? Phase::kObserve : Phase::kRun);
  EXPECT_EQ(usage.steps, iterations_of(setting));
  EXPECT_GT(usage.raw_bytes, 0);
  if (setting == Setting::kReclaim || setting == Setting::kReclaimExact) {
    EXPECT_GT(usage.reclaims, 0) << "squeeze() has no effect";
  }
  if (setting == Setting::kLossy) {
    EXPECT_LT(usage.charged_bytes, usage.raw_bytes) << "nothing was coded";
  }
}

TEST_P(Support, LossySettingsDoLoseBits) {
  const auto stock = run_stock(GetParam(), two_layers);
  const auto got = run_guarded(GetParam(), two_layers);
  const bool same = at::equal(got.back().tensors[1], stock.back().tensors[1]);
  EXPECT_EQ(same, is_lossless(GetParam()));
}

TEST_P(Support, LossyGradientsAreNear) {
  const auto stock = run_stock(GetParam(), two_layers);
  const auto got = run_guarded(GetParam(), two_layers);
  for (size_t k = 0; k < 2; ++k) {
    // Two bits at most under pressure, four by plan.
    expect_close(got.back().tensors[k], stock.back().tensors[k], GetParam() == Setting::kReclaim ? 1.0 : 0.2,
                 "gradient");
  }
}

TEST(SupportChecks, SeeOneBit) {
  static at::Tensor a, b;
  a = torch::ones({10});
  b = a.clone();
  b.data_ptr<float>()[9] = std::nextafter(1.0F, 2.0F);
  EXPECT_NONFATAL_FAILURE(expect_same_bits(a, b, "values"), "1 of 10 values differ");
  EXPECT_NONFATAL_FAILURE(expect_close(a, -b, 0.5, "values"), "values");
}

CINCH_IN_EVERY_SETTING(Support);

}  // namespace
}  // namespace cinch::test
