// Under autocast layers save casts of their weights. Those are parameters to cinch: passed through, never counted.
#include <ATen/autocast_mode.h>

#include <map>
#include <set>

#include "tests/hooks/support.h"

namespace cinch::test {
namespace {

namespace nn = torch::nn;

// What torch::autocast(cpu, bfloat16) of Python does.
class InAutocast {
 public:
  InAutocast() {
    at::autocast::set_autocast_enabled(at::kCPU, true);
    at::autocast::set_autocast_dtype(at::kCPU, at::kBFloat16);
    at::autocast::increment_nesting();
  }
  ~InAutocast() {
    if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
    at::autocast::set_autocast_enabled(at::kCPU, was_enabled_);
    at::autocast::set_autocast_dtype(at::kCPU, dtype_);
  }
  InAutocast(const InAutocast&) = delete;
  InAutocast& operator=(const InAutocast&) = delete;

 private:
  const bool was_enabled_ = at::autocast::is_autocast_enabled(at::kCPU);
  const at::ScalarType dtype_ = at::autocast::get_autocast_dtype(at::kCPU);
};

// Casts of 9 KiB and more each, so that none is passed through for being small.
nn::Sequential network() {
  return nn::Sequential(nn::Conv2d(nn::Conv2dOptions(16, 32, 3).padding(1)), nn::ReLU(), nn::Flatten(),
                        nn::Linear(32 * 64, 64), nn::GELU(), nn::Linear(64, 128));
}

Tensors gradients_of(const nn::Module& module) {
  Tensors gradients;
  for (const auto& parameter : module.parameters()) gradients.push_back(parameter.grad());
  return gradients;
}

Tensors train(const Trial& run, bool tracked) {
  auto net = network();
  if (tracked) run.track(*net);
  const auto x = torch::randn({32, 16, 8, 8});
  at::Tensor out;
  {
    const InAutocast on;
    out = net->forward(x);
  }
  run.squeeze();
  TORCH_CHECK(out.scalar_type() == at::kBFloat16, "autocast is off");
  out.to(at::kFloat).square().mean().backward();
  return gradients_of(*net);
}

using Slots = std::map<std::string, std::string>;  // op:slot -> layer

Slots slots_of(const BudgetGuard& guard) {
  Slots slots;
  if (guard.profile() == nullptr) return slots;
  for (const auto& site : guard.profile()->sites)
    slots[site.op.substr(site.op.rfind(":") + 1) + ":" + site.slot] = site.layer;  // without "aten::"
  return slots;
}

class Autocast : public InEverySetting {};

TEST_P(Autocast, GradientsAreStocks) {
  expect_like_stock(GetParam(), [](const Trial& run) { return train(run, true); });
}

TEST_P(Autocast, GradientsOfUntrackedModulesAreStocks) {
  expect_like_stock(GetParam(), [](const Trial& run) { return train(run, false); });
}

CINCH_IN_EVERY_SETTING(Autocast);

TEST(AutocastSites, AreActivationsAndNoCastWeights) {
  for (const bool tracked : {true, false}) {
    Slots slots;
    run_guarded(
        Setting::kExact, [&](const Trial& run) { return train(run, tracked); },
        [&](BudgetGuard& guard) {
          slots = slots_of(guard);
          EXPECT_EQ(guard.usage().fallbacks, 0);
        });
    EXPECT_EQ(slots.count("convolution:input"), 1u);
    EXPECT_EQ(slots.count("relu:result"), 1u);
    EXPECT_EQ(slots.count("addmm:mat1"), 1u);
    EXPECT_EQ(slots.count("gelu:self"), 1u);
    EXPECT_EQ(slots.count("convolution:weight"), 0u);
    EXPECT_EQ(slots.count("addmm:mat2"), 0u);
  }
}

// The parameter that an op uses names its layer; under autocast its cast does.
TEST(AutocastSites, LieInTheLayerOfTheCastWeight) {
  std::set<std::string> layers;
  run_guarded(
      Setting::kExact, [](const Trial& run) { return train(run, true); },
      [&](BudgetGuard& guard) {
        if (guard.profile() == nullptr) return;
        for (const auto& site : guard.profile()->sites)
          if (site.slot == "input" || site.slot == "mat1") layers.insert(site.layer);
      });
  EXPECT_EQ(layers, (std::set<std::string>{"model.0", "model.3", "model.5"}));
}

TEST(AutocastSites, HoldTheActivationsAsBfloat16) {
  BudgetGuard guard(Budget::exact());
  for (int i = 0; i < 3; ++i) {
    train(Trial{Setting::kExact, &guard, i, 0}, true);
    guard.step();
  }
  int seen = 0;
  for (const auto& payload : guard.profile()->payloads)
    for (const int32_t site : payload.sites)
      if (guard.profile()->sites[site].slot == "mat1") {
        EXPECT_EQ(payload.dtype, DType::kBFloat16);
        ++seen;
      }
  EXPECT_EQ(seen, 2);
}

// A weight that is computed is an activation like any other, also where autocast casts it.
TEST(AutocastSites, CountAComputedWeight) {
  const auto run_with = [](double factor) {
    Slots slots;
    run_guarded(
        Setting::kExact,
        [&](const Trial&) -> Tensors {
          const auto weight = leaf({96, 64}), x = leaf({64, 64});
          const InAutocast on;
          const auto used = factor == 1.0 ? weight : weight * factor;
          at::linear((x * 2).relu(), used).to(at::kFloat).square().sum().backward();
          return {weight.grad(), x.grad()};
        },
        [&](BudgetGuard& guard) { slots = slots_of(guard); });
    return slots;
  };
  EXPECT_EQ(run_with(2.0).count("mm:mat2"), 1u);
  EXPECT_EQ(run_with(1.0).count("mm:mat2"), 0u);
  EXPECT_EQ(run_with(1.0).count("mm:self"), 1u);
}

}  // namespace
}  // namespace cinch::test
