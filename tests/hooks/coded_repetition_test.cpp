// Backwards that run more than once over what has a lossless form: stock's gradients bit for bit in every setting.
#include <torch/csrc/autograd/generated/Functions.h>

#include "tests/hooks/support.h"

namespace cinch::test {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

class CodedRepetition : public InEverySetting {};

TEST_P(CodedRepetition, ThreeBackwardsGiveTheSameGradient) {
  expect_like_stock(
      GetParam(),
      [](const Trial& run) -> Tensors {
        auto x = leaf({64, 64});
        auto y = coded_layers(x);
        Tensors grads;
        for (int i = 0; i < 3; ++i) {
          run.squeeze();
          grads.push_back(torch::autograd::grad({y}, {x}, {torch::randn({64, 64})}, /*retain_graph=*/true)[0]);
        }
        return grads;
      },
      Bits::kAlways, expect_coded(GetParam()));
}

// Without a dropout: what is two-valued in its forward is a factor like any other in the graph of its backward.
at::Tensor twice_coded_layers(const at::Tensor& x) {
  const auto h = (x * 2).relu().gather(1, torch::randint(64, {64, 64}));
  return h.masked_fill(torch::rand({64, 64}) < 0.3, 0.5);
}

// The layers are linear but for their masks, so that the second derivative is that by the weights of the output; it
// reads every save again, and what the first backward saved of its own.
TEST_P(CodedRepetition, DoubleBackwardGivesStocksNumbers) {
  expect_like_stock(
      GetParam(),
      [](const Trial& run) -> Tensors {
        auto x = leaf({64, 64}), weights = leaf({64, 64});
        auto y = twice_coded_layers(x);
        run.squeeze();
        const auto first = torch::autograd::grad({y}, {x}, {weights}, true, /*create_graph=*/true)[0];
        auto penalty = twice_coded_layers(first).sum();
        run.squeeze();
        const auto second = torch::autograd::grad({penalty}, {weights})[0];
        return {first.detach(), second};
      },
      Bits::kAlways);
}

struct GathersTwice : torch::autograd::Function<GathersTwice> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& index) {
    context->save_for_backward({index});
    return x.gather(1, index);
  }
  static variable_list backward(AutogradContext* context, const variable_list& grads) {
    const auto once = context->get_saved_variables()[0];
    const auto twice = context->get_saved_variables()[0];
    expect_same_bits(twice, once, "second read");
    return {at::zeros_like(grads[0]).scatter_add(1, once, grads[0] * 0.5).scatter_add(1, twice, grads[0] * 0.5),
            at::Tensor()};
  }
};

TEST_P(CodedRepetition, SavedTensorsMayBeReadTwice) {
  declare_op("test::gathers_twice", {Need::kInteger});
  expect_like_stock(
      GetParam(),
      [](const Trial& run) -> Tensors {
        const OpScope scope("test::gathers_twice");
        auto x = leaf({64, 64});
        const auto weights = torch::randn({64, 64});
        auto y = GathersTwice::apply(x * 2, torch::randint(64, {64, 64}));
        run.squeeze();
        y.backward(weights);
        return {x.grad()};
      },
      Bits::kAlways, expect_coded(GetParam()));
}

TEST_P(CodedRepetition, SavedAttributesMayBeReadOutsideTheBackward) {
  expect_like_stock(
      GetParam(),
      [](const Trial& run) -> Tensors {
        auto x = leaf({64, 64});
        auto index = torch::randint(64, {64, 64});
        const auto copy = index.clone();
        auto y = x.gather(1, index.t());
        index.reset();
        run.squeeze();
        auto* gather = dynamic_cast<torch::autograd::generated::GatherBackward0*>(y.grad_fn().get());
        if (gather == nullptr) {
          ADD_FAILURE() << "not the node of gather but " << y.grad_fn()->name();
          return {};
        }
        for (int i = 0; i < 2; ++i) {
          expect_same_bits(gather->index_.unpack(), copy.t(), "index");
          run.squeeze();
        }
        y.backward(torch::randn({64, 64}));
        return {x.grad()};
      },
      Bits::kAlways);
}

TEST_P(CodedRepetition, PartsOfAGraphMayRunAtDifferentTimes) {
  expect_like_stock(
      GetParam(),
      [](const Trial& run) -> Tensors {
        auto x = leaf({64, 64});
        auto h = coded_layers(x);
        auto first = -h.relu();
        auto second = coded_layers(h);
        h.reset();
        run.squeeze();
        const auto a = torch::autograd::grad({first}, {x}, {torch::randn({64, 64})}, true)[0];
        first.reset();
        run.squeeze();
        const auto b = torch::autograd::grad({second}, {x}, {torch::randn({64, 64})})[0];
        return {a, b};
      },
      Bits::kAlways, expect_coded(GetParam()));
}

CINCH_IN_EVERY_SETTING(CodedRepetition);

}  // namespace
}  // namespace cinch::test
