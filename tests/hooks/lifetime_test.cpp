// What hooks keep alive, and for how long.
#include <torch/csrc/autograd/generated/Functions.h>

#include <cstdlib>
#include <thread>

#include "tests/hooks/support.h"

namespace cinch::test {
namespace {

class Lifetime : public InEverySetting {};

int64_t live() { return DeviceMeter::of(c10::kCPU).current_bytes(); }

// Before any test, each of which may be alone in its process: a meter that comes later has not counted what it sees
// freed.
[[maybe_unused]] const int64_t live_at_start = live();

TEST_P(Lifetime, AGraphDroppedWithoutBackwardFreesEverything) {
  expect_like_stock(GetParam(), [](const Trial& run) -> Tensors {
    const int64_t before = live();
    {
      auto x = leaf({64, 64});
      auto loss = (x * 2).exp().mm(x).sigmoid().sum() + coded_layers(x).sum();
      run.squeeze();
    }
    EXPECT_EQ(live(), before);
    return {};
  });
}

TEST_P(Lifetime, ARetainedGraphIsFreedWhenItIsDropped) {
  expect_like_stock(
      GetParam(),
      [](const Trial& run) -> Tensors {
        auto x = leaf({64, 64}), coded = leaf({64, 64});
        const int64_t before = live();
        Tensors grads;
        {
          auto loss = (x * 0.5).exp().sigmoid().sum() + coded_layers(coded).sum();
          run.squeeze();
          grads = torch::autograd::grad({loss}, {coded, x}, {}, true);
        }
        EXPECT_EQ(live(), before + 2 * 64 * 64 * 4);
        return grads;
      },
      Bits::kFirst);
}

// An op's saved output must not own the node that owns it.
TEST_P(Lifetime, ASavedOutputMakesNoCycle) {
  expect_like_stock(GetParam(), [](const Trial& run) -> Tensors {
    const int64_t before = live();
    for (int i = 0; i < 20; ++i) {
      auto x = leaf({64, 64});
      // Raw because the program holds it, coded as values, and coded as a mask.
      auto y = x.exp();
      auto z = -y.sigmoid().relu();
      run.squeeze();
    }
    EXPECT_EQ(live(), before);
    return {};
  });
}

// `op` saves at least `bytes` in every form.
void expect_freed_one_by_one(Setting setting, at::Tensor (*op)(const at::Tensor&), int64_t bytes) {
  // Bytes in use at each node of the backward, which stock frees one by one.
  struct Watch : torch::autograd::Function<Watch> {
    static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x, int64_t slot) {
      context->saved_data["slot"] = slot;
      return x.view_as(x);
    }
    static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                   const torch::autograd::variable_list& grads) {
      seen()[static_cast<size_t>(context->saved_data["slot"].toInt())] = live();
      return {grads[0], at::Tensor()};
    }
    static std::vector<int64_t>& seen() {
      static std::vector<int64_t> bytes(4);
      return bytes;
    }
  };
  expect_like_stock(setting, [op, bytes](const Trial& run) -> Tensors {
    auto x = leaf({256, 256});
    at::Tensor h = x * 1;
    for (int64_t slot = 0; slot < 4; ++slot) {
      h = Watch::apply(h, slot);
      for (int i = 0; i < 4; ++i) {
        h = op(h);
      }
    }
    auto loss = h.sum();
    h.reset();
    run.squeeze();
    loss.backward();
    for (size_t slot = 1; slot < 4; ++slot) {
      EXPECT_LE(Watch::seen()[slot - 1] + 4 * bytes, Watch::seen()[slot]) << "payloads pile up";
    }
    return {x.grad()};
  });
}

TEST_P(Lifetime, EachPayloadIsFreedWhenItsNodeIsDone) {
  expect_freed_one_by_one(
      GetParam(), [](const at::Tensor& x) { return x.cos(); }, 256 * 256 / 4);
}

TEST_P(Lifetime, EachCodedPayloadIsFreedWhenItsNodeIsDone) {
  expect_freed_one_by_one(
      GetParam(), [](const at::Tensor& x) { return (x - 0.1).relu(); }, 256 * 256 / 8);
}

TEST(LifetimeOnce, AChainOf200000NodesIsDroppedWithoutOverflow) {
  const int64_t before = live();
  {
    BudgetGuard guard(Budget::exact());
    auto h = leaf({4}) * 1;
    for (int i = 0; i < 200000; ++i) {
      h = h.sin();
    }
    h.reset();
    guard.step();
  }
  EXPECT_EQ(live(), before);
}

TEST_P(Lifetime, AGraphMayBeDroppedOnAnotherThread) {
  expect_like_stock(GetParam(), [](const Trial& run) -> Tensors {
    const int64_t before = live();
    auto loss = (leaf({64, 64}) * 2).exp().sigmoid().sum() + coded_layers(leaf({64, 64})).sum();
    run.squeeze();
    std::thread([moved = std::move(loss)]() mutable { moved.reset(); }).join();
    EXPECT_EQ(live(), before);
    return {};
  });
}

TEST_P(Lifetime, ALeafThatWasSavedIsFreedWithItsGraph) {
  expect_like_stock(GetParam(), [](const Trial& run) -> Tensors {
    const int64_t before = live();
    auto x = leaf({64, 64});
    auto loss = x.sin().mm(x).sum() + coded_layers(x).sum();
    run.squeeze();
    loss.backward();
    x.reset();
    loss.reset();
    EXPECT_EQ(live(), before);
    return {};
  });
}

TEST_P(Lifetime, ParametersAndTheirViewsAreNeverCopied) {
  expect_like_stock(GetParam(), [](const Trial& run) -> Tensors {
    torch::nn::Linear linear(64, 64);
    run.track(*linear);
    auto x = leaf({32, 64});
    auto y = linear(x * 2);
    auto* addmm = dynamic_cast<torch::autograd::generated::AddmmBackward0*>(y.grad_fn().get());
    if (addmm == nullptr) {
      ADD_FAILURE() << "not the node of addmm but " << y.grad_fn()->name();
      return {};
    }
    auto node = y.grad_fn();
    auto loss = y.sum();
    y.reset();
    run.squeeze();
    EXPECT_EQ(addmm->mat2_.unpack().data_ptr(), linear->weight.data_ptr());
    loss.backward();
    return {x.grad(), linear->weight.grad()};
  });
}

TEST_P(Lifetime, AGraphOutlivesItsGuard) {
  const auto program = [](const Trial& run) {
    auto x = leaf({64, 64}), coded = leaf({64, 64});
    auto loss = (x * 0.5).exp().sigmoid().sin().sum() + coded_layers(coded).sum();
    run.squeeze();
    return std::tuple(x, coded, loss);
  };
  const auto stock = run_stock(GetParam(), [&](const Trial& run) -> Tensors {
    auto [x, coded, loss] = program(run);
    loss.backward();
    return {x.grad(), coded.grad()};
  });
  const int64_t before = live();
  {
    std::tuple<at::Tensor, at::Tensor, at::Tensor> last;
    run_guarded(GetParam(), [&](const Trial& run) -> Tensors {
      last = program(run);
      return {};
    });
    const auto& [x, coded, loss] = last;
    loss.backward();
    expect_same_bits(coded.grad(), stock[0].tensors[1], "gradient through what is coded without loss");
    if (is_lossless(GetParam())) {
      expect_same_bits(x.grad(), stock[0].tensors[0], "gradient");
    } else {
      expect_near(x.grad(), stock[0].tensors[0], GetParam(), "gradient");
    }
  }
  EXPECT_EQ(live(), before);
}

TEST_P(Lifetime, AGraphFromBeforeTheGuardRunsInside) {
  torch::manual_seed(3);
  auto x = leaf({64, 64});
  auto loss = (x * 2).sin().sum();
  const auto stock = torch::autograd::grad({loss}, {x}, {}, true)[0];
  run_guarded(GetParam(), [&](const Trial& run) -> Tensors {
    run.squeeze();
    expect_same_bits(torch::autograd::grad({loss}, {x}, {}, true)[0], stock, "gradient");
    return {};
  });
}

TEST(LifetimeOnce, AMovedGuardGoesOn) {
  BudgetGuard first(Budget::exact());
  BudgetGuard second(std::move(first));
  auto x = leaf({64, 64});
  (x * 2).relu().sum().backward();
  second.step();
  EXPECT_GT(second.usage().raw_bytes, 0);
  EXPECT_THROW(BudgetGuard third(Budget::exact()), Error);
}

TEST(LifetimeOnce, GuardsMayFollowEachOther) {
  for (int i = 0; i < 20; ++i) {
    BudgetGuard guard(i % 2 == 0 ? Budget::exact() : Budget::bytes(1 << 28));
    auto x = leaf({64, 64});
    (x * 2).relu().sum().backward();
    guard.step();
    EXPECT_EQ(guard.usage().steps, 1);
  }
}

TEST(LifetimeDeathTest, TheProcessEndsInPeaceWithAGraphAlive) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        static BudgetGuard guard(Budget::exact());
        static auto x = leaf({64, 64});
        static at::Tensor loss;
        for (int i = 0; i < 4; ++i) {
          loss = (x * 2).relu().sin().sum();
          guard.step();
        }
        std::exit(0);
      },
      ::testing::ExitedWithCode(0), "");
}

TEST(LifetimeDeathTest, TheProcessEndsInPeaceWithAGraphInAThreadLocal) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        static thread_local at::Tensor loss;
        BudgetGuard guard(Budget::exact());
        for (int i = 0; i < 4; ++i) {
          loss = (leaf({64, 64}) * 2).relu().sin().sum();
          guard.step();
        }
        std::exit(0);
      },
      ::testing::ExitedWithCode(0), "");
}

CINCH_IN_EVERY_SETTING(Lifetime);

}  // namespace
}  // namespace cinch::test
