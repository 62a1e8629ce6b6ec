// dither under a guard: masks of ReLU for nothing, payloads in room of their own size.
#include <gtest/gtest.h>
#include <torch/torch.h>

#include "cinch/torch/guard.h"
#include "tests/hooks/support.h"

namespace cinch::test {
namespace {

Budget dithered() { return everything({"dither", {{"step_sigma", 1.0}}}); }
Budget two_bits() { return everything({"group_quant", {{"bits", int64_t{2}}}}); }

// One convolution on a ReLU's output, whose only copy autograd holds then.
struct Net {
  explicit Net(at::ScalarType type = at::kFloat) : weight(leaf({8, 8, 3, 3}, type)), x(leaf({8, 8, 32, 32}, type)) {}
  // The gradient of x behind the ReLU, and of the weight.
  Tensors gradients() {
    x.mutable_grad() = at::Tensor();
    weight.mutable_grad() = at::Tensor();
    // What the expression made ends before the backward: until then autograd is not the only one to hold it.
    const auto loss = torch::conv2d((x * 1.0).relu(), weight, {}, 1, 1).sum();
    loss.backward();
    return {x.grad().clone(), weight.grad().clone()};
  }
  at::Tensor weight, x;
};

Usage after_three_steps(const Budget& budget, Net& net, Tensors& last) {
  BudgetGuard guard(budget);
  for (int i = 0; i < 3; ++i) {
    last = net.gradients();
    guard.step();
  }
  return guard.usage();
}

TEST(Dither, TheMaskOfAReluIsExactAndFree) {
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
    torch::manual_seed(1);
    Net net(type);
    const Tensors stock = net.gradients();
    Tensors with_dither, with_bits;
    const Usage dither = after_three_steps(dithered(), net, with_dither);
    const Usage bits = after_three_steps(two_bits(), net, with_bits);
    EXPECT_EQ(dither.fallbacks, 0);
    // The gradient of a sum does not depend on the values that were coded: it shows the mask alone.
    expect_same_bits(with_dither[0], stock[0], "gradient behind the mask");
    EXPECT_FALSE(torch::equal(with_dither[1], stock[1])) << "nothing was coded";
    expect_close(with_dither[1], stock[1], 0.1, "gradient of the weight");
    EXPECT_EQ(bits.fallbacks, 0);
    const auto error = [&](const Tensors& t) {
      return (t[1] - stock[1]).to(at::kDouble).square().sum().item<double>();
    };
    EXPECT_LT(error(with_dither), error(with_bits));
  }
}

TEST(Dither, InFloat16AMaskIsKept) {
  torch::manual_seed(1);
  Net net(at::kHalf);
  {
    const torch::NoGradGuard off;
    net.x.mul_(1e-5);
  }  // what dithering gives near zero is below float16's range
  const Tensors stock = net.gradients();
  Tensors got;
  after_three_steps(dithered(), net, got);
  expect_same_bits(got[0], stock[0], "gradient behind the mask");
}

// Twice from one graph, and values after masks: the two do not share a buffer.
TEST(Dither, MagnitudesAreNotHandedOutAsValues) {
  torch::manual_seed(1);
  Net net;
  Tensors got;
  const Tensors stock = net.gradients();
  BudgetGuard guard(dithered());
  for (int i = 0; i < 3; ++i) {
    net.x.mutable_grad() = at::Tensor();
    net.weight.mutable_grad() = at::Tensor();
    auto loss = torch::conv2d((net.x * 1.0).relu(), net.weight, {}, 1, 1).sum();
    loss.backward({}, true);
    const auto first = net.weight.grad().clone();
    loss.backward();
    expect_close(net.weight.grad(), 2 * first, 1e-5, "second backward");
    expect_same_bits(net.x.grad(), 2 * stock[0], "mask, twice");
    guard.step();
  }
  // Of small activations the magnitudes are larger on average: a weight's gradient of them would be.
  expect_close(net.weight.grad(), 2 * stock[1], 0.1, "gradient of the weight");
}

// Bytes that one more ReLU's output takes, in bits a value: a peak holds one raw payload, whatever the depth.
double bits_of_value(const Budget& budget) {
  const auto x = leaf({8, 8, 32, 32}), weight = leaf({8, 8, 3, 3});
  const auto charged = [&](int depth) {
    BudgetGuard guard(budget);
    for (int i = 0; i < 3; ++i) {
      auto h = x;
      for (int layer = 0; layer < depth; ++layer) h = torch::conv2d((h * 1.0).relu(), weight, {}, 1, 1);
      h.sum().backward();
      guard.step();
    }
    EXPECT_EQ(guard.usage().fallbacks, 0);
    return guard.usage().charged_bytes;
  };
  return static_cast<double>(charged(24) - charged(8)) * 8 / (16.0 * static_cast<double>(x.numel()));
}

TEST(Dither, PayloadsAreChargedWhatTheyTake) {
  torch::manual_seed(1);
  // 2.1 bits, without a mask and without the tenth more that was asked for; group_quant takes 2.125 and a mask.
  EXPECT_NEAR(bits_of_value(dithered()), 2.1, 0.15);
  EXPECT_NEAR(bits_of_value(two_bits()), 3.125, 0.05);
}

}  // namespace
}  // namespace cinch::test
