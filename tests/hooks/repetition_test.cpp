// Backwards that run more than once, or differentiate themselves, or read saved tensors at other times.
#include <torch/csrc/autograd/generated/Functions.h>

#include "tests/hooks/support.h"

namespace cinch::test {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

class Repetition : public InEverySetting {};

at::Tensor small_network(const at::Tensor& x, const at::Tensor& w) {
  return (x * 0.5).mm(w * 0.1).tanh().mm(w * 0.1).sin().sum();
}

TEST_P(Repetition, ThreeBackwardsGiveTheSameGradient) {
  expect_like_stock(GetParam(), [](const Trial& run) -> Tensors {
    auto x = leaf({64, 64});
    auto w = leaf({64, 64});
    auto loss = small_network(x, w);
    Tensors grads;
    for (int i = 0; i < 3; ++i) {
      run.squeeze();
      const auto once = torch::autograd::grad({loss}, {x, w}, {}, /*retain_graph=*/true);
      grads.insert(grads.end(), once.begin(), once.end());
    }
    if (run.setting != Setting::kReclaim) {  // there the second is coarser than the first
      expect_same_bits(grads[2], grads[0], "second backward");
      expect_same_bits(grads[5], grads[1], "third backward");
    }
    return grads;
  });
}

TEST_P(Repetition, AfterTheGraphIsFreedRaisesStocksError) {
  expect_like_stock(GetParam(), [](const Trial& run) -> Tensors {
    auto x = leaf({64, 64});
    auto loss = small_network(x, x);
    run.squeeze();
    loss.backward();
    loss.backward();
    ADD_FAILURE() << "the graph was freed";
    return {};
  });
}

TEST_P(Repetition, DoubleBackwardGivesStocksNumbers) {
  expect_like_stock(GetParam(), [](const Trial& run) -> Tensors {
    auto x = leaf({64, 64});
    auto w = leaf({64, 64});
    auto loss = small_network(x, w);
    run.squeeze();
    const auto first = torch::autograd::grad({loss}, {x, w}, {}, true, /*create_graph=*/true);
    auto penalty = first[0].pow(2).sum() + first[1].pow(2).sum();
    run.squeeze();
    const auto second = torch::autograd::grad({penalty}, {x, w});
    return {first[0].detach(), first[1].detach(), second[0], second[1]};
  });
}

TEST_P(Repetition, DoubleBackwardThroughConvolutionAndNorm) {
  expect_like_stock(GetParam(), [](const Trial& run) -> Tensors {
    auto x = leaf({2, 4, 16, 16});
    auto w = leaf({4, 4, 3, 3});
    auto h = at::conv2d(x * 1.5, w, {}, 1, 1);
    h = at::batch_norm(h, {}, {}, {}, {}, true, 0.1, 1e-5, false);
    auto loss = at::conv2d(at::softplus(h), w, {}, 1, 1).sum();
    h.reset();
    run.squeeze();
    const auto first = torch::autograd::grad({loss}, {x, w}, {}, true, true);
    auto penalty = first[0].pow(2).sum() + first[1].pow(2).sum();
    run.squeeze();
    // The penalty is large against its gradient's noise in 2 bits; its numbers are compared where they are exact.
    const auto second = torch::autograd::grad({penalty}, {x, w});
    if (!is_lossless(run.setting)) {
      EXPECT_TRUE(second[0].isfinite().all().item<bool>());
      return {first[0].detach()};
    }
    return {first[0].detach(), first[1].detach(), second[0], second[1]};
  });
}

struct ReadsTwice : torch::autograd::Function<ReadsTwice> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x) {
    context->save_for_backward({x});
    return x.sin();
  }
  static variable_list backward(AutogradContext* context, const variable_list& grads) {
    const auto once = context->get_saved_variables()[0];
    const auto twice = context->get_saved_variables()[0];
    expect_same_bits(twice, once, "second read");
    return {grads[0] * twice.cos()};
  }
};

TEST_P(Repetition, SavedTensorsMayBeReadTwice) {
  declare_op("test::reads_twice", {Need::kNonlinear});
  expect_like_stock(GetParam(), [](const Trial& run) -> Tensors {
    const OpScope scope("test::reads_twice");
    auto x = leaf({64, 64});
    auto loss = ReadsTwice::apply(x * 0.5).sum();
    run.squeeze();
    loss.backward();
    return {x.grad()};
  });
}

TEST_P(Repetition, SavedAttributesMayBeReadOutsideTheBackward) {
  expect_like_stock(GetParam(), [](const Trial& run) -> Tensors {
    auto x = leaf({64, 64});
    auto y = (x * 0.5).sin();
    const auto node = y.grad_fn();
    auto loss = y.sum();
    y.reset();
    run.squeeze();
    auto* sin = dynamic_cast<torch::autograd::generated::SinBackward0*>(node.get());
    if (sin == nullptr) {
      ADD_FAILURE() << "not the node of sin but " << node->name();
      return {};
    }
    const auto saved = sin->self_.unpack().detach().clone();
    expect_same_bits(sin->self_.unpack(), saved, "second read");
    loss.backward({}, true);
    return {saved, x.grad()};
  });
}

// What comes out of a payload takes the place of the tensor in the graph: it has the tensor's node, not one of its own.
struct LooksAtNode : torch::autograd::Function<LooksAtNode> {
  static inline std::string expected;
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x) {
    context->save_for_backward({x});
    return x.sin();
  }
  static variable_list backward(AutogradContext* context, const variable_list& grads) {
    const auto x = context->get_saved_variables()[0];
    EXPECT_TRUE(x.grad_fn() != nullptr);
    if (x.grad_fn() != nullptr) {
      EXPECT_EQ(x.grad_fn()->name(), expected);
    }
    return {grads[0] * x.cos()};
  }
};

TEST_P(Repetition, UnpackingUnderCreateGraphRecordsNothing) {
  declare_op("test::looks_at_node", {Need::kNonlinear});
  expect_like_stock(GetParam(), [](const Trial& run) -> Tensors {
    const OpScope scope("test::looks_at_node");
    auto x = leaf({64, 64});
    auto h = x * 0.5;
    LooksAtNode::expected = h.grad_fn()->name();
    auto loss = LooksAtNode::apply(h).sum();
    h.reset();
    run.squeeze();
    const auto first = torch::autograd::grad({loss}, {x}, {}, true, true);
    const auto second = torch::autograd::grad({first[0].sum()}, {x});
    return {first[0].detach(), second[0]};
  });
}

TEST_P(Repetition, PartsOfAGraphMayRunAtDifferentTimes) {
  expect_like_stock(GetParam(), [](const Trial& run) -> Tensors {
    auto x = leaf({64, 64});
    auto h = (x * 2).tanh();
    auto first = h.sin().sum();
    auto second = h.cos().mm(h).sum();
    h.reset();
    run.squeeze();
    const auto a = torch::autograd::grad({first}, {x}, {}, true);
    first.reset();
    run.squeeze();
    const auto b = torch::autograd::grad({second}, {x});
    return {a[0], b[0]};
  });
}

CINCH_IN_EVERY_SETTING(Repetition);

}  // namespace
}  // namespace cinch::test
