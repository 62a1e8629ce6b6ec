// Writes to tensors that autograd has saved: whoever would have been warned by stock is warned, whatever form the
// payload has, and nobody else is.
#include "tests/hooks/support.h"

namespace cinch::test {
namespace {

class Mutation : public InEverySetting {};

TEST_P(Mutation, OfASavedOutputRaises) {
  expect_like_stock(GetParam(), [](const Trial& run) -> Tensors {
    auto x = leaf({64, 64});
    auto y = (x * 2).exp();
    auto loss = y.sum();
    y.add_(1);
    y.reset();
    run.squeeze();
    loss.backward();
    ADD_FAILURE() << "the written output went unnoticed";
    return {};
  });
}

TEST_P(Mutation, OfASavedOutputThatIsStillHeldRaises) {
  expect_like_stock(GetParam(), [](const Trial& run) -> Tensors {
    auto x = leaf({64, 64});
    auto y = (x * 2).exp();
    y.add_(1);
    run.squeeze();
    y.sum().backward();
    ADD_FAILURE() << "the written output went unnoticed";
    return {};
  });
}

TEST_P(Mutation, OfASavedInputRaises) {
  expect_like_stock(GetParam(), [](const Trial& run) -> Tensors {
    auto x = leaf({64, 64});
    auto h = x * 2;
    auto loss = h.sin().sum();
    h.mul_(3);
    h.reset();
    run.squeeze();
    loss.backward();
    ADD_FAILURE() << "the written input went unnoticed";
    return {};
  });
}

// The payload is coded before the write; the counter of versions outlives the values.
TEST_P(Mutation, AfterCodingRaises) {
  expect_like_stock(GetParam(), [](const Trial& run) -> Tensors {
    auto x = leaf({64, 64});
    auto h = x * 2;
    auto loss = h.sin().sum();
    auto keeps_counter = h.detach();
    h.reset();
    run.squeeze();
    keeps_counter.mul_(3);
    loss.backward();
    ADD_FAILURE() << "the written input went unnoticed";
    return {};
  });
}

TEST_P(Mutation, OfTheBaseOfASavedViewRaises) {
  expect_like_stock(GetParam(), [](const Trial& run) -> Tensors {
    auto x = leaf({64, 64});
    auto base = x * 2;
    auto loss = base.slice(0, 8, 48).sin().sum();
    base.mul_(3);
    base.reset();
    run.squeeze();
    loss.backward();
    ADD_FAILURE() << "the written base went unnoticed";
    return {};
  });
}

TEST_P(Mutation, OfAViewOfASavedBaseRaises) {
  expect_like_stock(GetParam(), [](const Trial& run) -> Tensors {
    auto x = leaf({64, 64});
    auto base = x * 2;
    auto loss = base.sin().sum();
    base.slice(0, 8, 48).mul_(3);
    base.reset();
    run.squeeze();
    loss.backward();
    ADD_FAILURE() << "the written view went unnoticed";
    return {};
  });
}

TEST_P(Mutation, OfAParameterBeforeTheBackwardRaises) {
  for (const bool tracked : {false, true}) {
    expect_like_stock(GetParam(), [tracked](const Trial& run) -> Tensors {
      torch::nn::Linear first(64, 64), second(64, 64);
      if (tracked) {
        run.track(*first);
        run.track(*second);
      }
      auto loss = second(first(torch::randn({32, 64})).sin()).sum();
      {
        const torch::NoGradGuard no_grad;
        second->weight.add_(1);
      }
      run.squeeze();
      loss.backward();
      ADD_FAILURE() << "the stepped parameter went unnoticed";
      return {};
    });
  }
}

// Stock raises here; a saved tensor that hooks keep knows its node, so that the gradient can be had. It must be right.
TEST_P(Mutation, DetachingASavedInputInPlaceGivesTheRightGradientOrRaises) {
  const auto program = [](bool detach) {
    return [detach](const Trial& run) -> Tensors {
      auto x = leaf({64, 64});
      auto h = x * 0.5;
      auto loss = h.sin().sum();
      if (detach) {
        h.detach_();
      }
      h.reset();
      run.squeeze();
      loss.backward();
      return {x.grad()};
    };
  };
  const auto right = run_stock(GetParam(), program(false));
  const auto got = run_guarded(GetParam(), program(true));
  for (const Outcome& outcome : got) {
    if (!outcome.error.empty()) {
      continue;
    }
    if (is_lossless(GetParam())) {
      expect_same_bits(outcome.tensors[0], right[0].tensors[0], "gradient");
    } else {
      expect_near(outcome.tensors[0], right[0].tensors[0], GetParam(), "gradient");
    }
  }
}

// Writes into what it saved. Stock notices at the second backward.
struct WritesIntoSaved : torch::autograd::Function<WritesIntoSaved> {
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x) {
    context->save_for_backward({x});
    return x.sin();
  }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& grads) {
    auto x = context->get_saved_variables()[0];
    const torch::NoGradGuard no_grad;
    x.cos_();
    return {grads[0] * x};
  }
};

TEST_P(Mutation, ByABackwardOfWhatItSavedIsAsInStock) {
  declare_op("test::writes_into_saved", {Need::kNonlinear});
  for (const bool named : {false, true}) {
    expect_like_stock(GetParam(), [named](const Trial& run) -> Tensors {
      auto x = leaf({64, 64});
      at::Tensor y;
      if (named) {
        const OpScope scope("test::writes_into_saved");
        y = WritesIntoSaved::apply(x * 2);
      } else {
        y = WritesIntoSaved::apply(x * 2);
      }
      auto loss = y.sum();
      y.reset();
      run.squeeze();
      loss.backward({}, /*retain_graph=*/true);
      auto first = x.grad().clone();
      loss.backward();
      return {first, x.grad()};
    });
  }
}

TEST_P(Mutation, ByABackwardDoesNotReachOtherUsersOfTheTensor) {
  expect_like_stock(GetParam(), [](const Trial& run) -> Tensors {
    auto x = leaf({64, 64});
    auto h = x * 2;
    auto writer = WritesIntoSaved::apply(h);
    auto loss = writer.sum();
    h.reset();
    writer.reset();
    run.squeeze();
    loss.backward();
    return {x.grad()};
  });
}

TEST_P(Mutation, ByAnOpOnAViewIsNoAlarm) {
  expect_like_stock(GetParam(), [](const Trial& run) -> Tensors {
    auto x = leaf({64, 64});
    auto h = x * 2;
    h.slice(0, 0, 32).exp_();
    auto loss = h.sum();
    h.reset();
    run.squeeze();
    loss.backward();
    return {x.grad()};
  });
}

TEST_P(Mutation, BetweenTwoSavesConcernsTheFirstOnly) {
  expect_like_stock(GetParam(), [](const Trial& run) -> Tensors {
    auto x = leaf({64, 64});
    auto h = x * 2;
    auto unused = h.sin();
    h.mul_(0.5);
    auto loss = h.cos().sum();
    h.reset();
    run.squeeze();
    loss.backward();
    return {x.grad()};
  });
}

TEST_P(Mutation, ByBatchNormAndInPlaceActivationsIsNoAlarm) {
  expect_like_stock(GetParam(), [](const Trial& run) -> Tensors {
    torch::nn::Conv2d conv(torch::nn::Conv2dOptions(4, 8, 3).padding(1)), last(torch::nn::Conv2dOptions(8, 4, 3));
    torch::nn::BatchNorm2d norm(8);
    run.track(*conv);
    auto x = leaf({4, 4, 16, 16});
    auto h = norm(conv(x)).relu_();
    h = norm(h).relu_();  // its running statistics were written once more before the backward
    norm->eval();
    h = last(norm(h)).relu_();
    auto loss = (h * h).sum();
    h.reset();
    run.squeeze();
    loss.backward();
    return {x.grad(), conv->weight.grad(), last->weight.grad(), norm->weight.grad()};
  });
}

TEST_P(Mutation, ByInPlaceOpsThatSaveACloneIsNoAlarm) {
  expect_like_stock(GetParam(), [](const Trial& run) -> Tensors {
    auto x = leaf({64, 64});
    auto h = x * 2;
    at::hardtanh_(h, -1.5, 1.5);
    at::silu_(h);
    at::threshold_(h, 0.1, 0.2);
    at::hardswish_(h);
    at::leaky_relu_(h, 0.1);
    at::elu_(h);
    auto loss = h.sum();
    h.reset();
    run.squeeze();
    loss.backward();
    return {x.grad()};
  });
}

TEST_P(Mutation, InsideRecurrentLayersIsNoAlarm) {
  expect_like_stock(GetParam(), [](const Trial& run) -> Tensors {
    torch::nn::LSTM lstm(32, 32);
    torch::nn::GRU gru(32, 32);
    auto x = leaf({12, 8, 32});
    auto h = std::get<0>(gru(std::get<0>(lstm(x))));
    auto loss = (h * h).sum();
    h.reset();
    run.squeeze();
    loss.backward();
    return {x.grad()};
  });
}

CINCH_IN_EVERY_SETTING(Mutation);

}  // namespace
}  // namespace cinch::test
