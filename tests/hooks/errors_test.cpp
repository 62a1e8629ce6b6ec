// Failures inside and around the hooks: nothing leaks, nothing breaks, the next step is right.
#include "tests/hooks/support.h"

namespace cinch::test {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

DeviceMeter& meter() { return DeviceMeter::of(c10::kCPU); }

class Errors : public InEverySetting {
 protected:
  void TearDown() override { meter().set_limit(0); }
};

at::Tensor forward(const at::Tensor& x) {
  auto h = x * 2;
  at::silu_(h);
  h = at::batch_norm(h.view({8, 8, 64}), {}, {}, {}, {}, true, 0.1, 1e-5, false).relu_();
  h = at::softmax(h.view({64, 64}).mm(x), -1);
  return (h * h.sin()).sum();
}

Tensors step(const Trial& run) {
  auto x = leaf({64, 64});
  auto loss = forward(x);
  run.squeeze();
  loss.backward();
  return {x.grad()};
}

void expect_right(const Outcome& got, const Outcome& stock, Setting setting) {
  ASSERT_EQ(got.error, "");
  if (is_lossless(setting)) {
    expect_same_bits(got.tensors[0], stock.tensors[0], "gradient");
  } else {
    expect_near(got.tensors[0], stock.tensors[0], setting, "gradient");
  }
}

// Memory runs out at each position of a step, in packs and unpacks among them. What does not fit either falls back or
// ends in OutOfBudget; what completes is right, and so is the next step.
TEST_P(Errors, MemoryThatRunsOutAnywhereLeavesNothingBroken) {
  const Setting setting = GetParam();
  const Outcome stock = run_once(step, Trial{setting});
  const int64_t start = meter().current_bytes();
  {
    BudgetGuard guard(budget_of(setting), options_of(setting));
    for (int64_t i = 0; i < iterations_of(setting); ++i) {
      run_once(step, Trial{setting, &guard, i, start});
      guard.step();
    }
    const int64_t limit = meter().limit_bytes();
    int completed = 0, refused = 0;
    for (int64_t bytes = 4096; bytes <= 40 * 16384; bytes += 8192) {
      meter().set_limit(start + bytes);
      const Outcome tight = run_once(step, Trial{Setting::kExact, &guard, 0, start});
      meter().set_limit(limit);
      if (tight.error.empty()) {
        ++completed;
        expect_right(tight, stock, setting);
      } else {
        ++refused;
        EXPECT_NE(tight.error.find("does not fit under the limit"), std::string::npos) << tight.error;
      }
      expect_right(run_once(step, Trial{setting, &guard, 0, start}), stock, setting);
      guard.step();
    }
    EXPECT_GT(completed, 0);
    EXPECT_GT(refused, 0);
  }
  EXPECT_EQ(meter().current_bytes(), start) << "a failure left bytes behind";
}

// An in-place op has changed its tensor before its result is packed; a pack that threw would leave a node without its
// save.
TEST_P(Errors, InPlaceOpsKeepTheirSavesWhenPackingFails) {
  const Setting setting = GetParam();
  const auto program = [](const Trial&, int64_t room) -> Tensors {
    auto x = leaf({64, 64});
    auto h = x * 2;
    auto other = x * 3;
    auto third = x * 4;
    const int64_t limit = meter().limit_bytes();
    if (room >= 0) {
      meter().set_limit(meter().current_bytes() + room);
    }
    h.exp_();
    other.tanh_();
    third.relu_();
    meter().set_limit(limit);
    (h.sum() + third.sum() + other.sum()).backward();
    return {x.grad()};
  };
  const auto stock = run_once([&](const Trial& run) { return program(run, -1); }, Trial{setting});
  BudgetGuard guard(budget_of(setting), options_of(setting));
  for (int64_t i = 0; i < iterations_of(setting); ++i) {
    for (const int64_t room : {0, 100, 600, 3000, 10000}) {
      const auto got = run_once([&](const Trial& run) { return program(run, room); }, Trial{setting, &guard, i, 0});
      expect_right(got, stock, setting);
      EXPECT_EQ(got.error.find("Expected a proper Tensor"), std::string::npos);
    }
    guard.step();
  }
}

TEST_P(Errors, AnUnpackThatFailsReachesTheCallerAndMayBeTriedAgain) {
  const Setting setting = GetParam();
  const auto stock = run_once(step, Trial{setting});
  const int64_t start = meter().current_bytes();
  {
    BudgetGuard guard(budget_of(setting), options_of(setting));
    for (int64_t i = 0; i < iterations_of(setting); ++i) {
      const auto got = run_once(
          [&](const Trial& run) -> Tensors {
            auto x = leaf({64, 64});
            auto loss = forward(x);
            run.squeeze();
            const int64_t limit = meter().limit_bytes();
            meter().set_limit(meter().current_bytes() + 1);
            for (int attempt = 0; attempt < 2; ++attempt) {
              EXPECT_THROW(loss.backward({}, true), c10::OutOfMemoryError);
            }
            meter().set_limit(limit);
            x.mutable_grad().reset();
            loss.backward();
            return {x.grad()};
          },
          Trial{setting, &guard, i, start});
      expect_right(got, stock, setting);
      guard.step();
    }
  }
  EXPECT_EQ(meter().current_bytes(), start);
}

struct Fails : torch::autograd::Function<Fails> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, bool at_once) {
    context->save_for_backward({x});
    TORCH_CHECK(!at_once, "failed in the forward");
    return x.sin();
  }
  static variable_list backward(AutogradContext* context, const variable_list&) {
    context->get_saved_variables();
    TORCH_CHECK(false, "failed in the backward");
  }
};

TEST_P(Errors, ExceptionsInForwardAndBackwardAreStocks) {
  for (const bool at_once : {true, false}) {
    expect_like_stock(GetParam(), [at_once](const Trial& run) -> Tensors {
      auto x = leaf({64, 64});
      const OpScope scope("test::fails");
      auto loss = Fails::apply((x * 2).sin(), at_once).cos().sum();
      run.squeeze();
      loss.backward();
      return {};
    });
  }
}

// An op that throws leaves its frame; later saves must not be taken for its own.
TEST_P(Errors, SitesKeepTheirNamesAfterAnOpThatThrew) {
  const auto sites_of = [&](bool with_failure) {
    BudgetGuard guard(Budget::exact());
    for (int i = 0; i < 3; ++i) {
      auto x = leaf({64, 64});
      if (with_failure) {
        EXPECT_THROW((x * 2).mm(torch::randn({3, 3})), c10::Error);
        EXPECT_THROW(at::conv2d(x, x), c10::Error);
        try {
          const OpScope scope("test::inner");
          const LayerScope layer("lost");
          Fails::apply(x * 2, true);
        } catch (const c10::Error&) {
        }
      }
      auto loss = (x * 2).sin().relu().sum();
      loss.backward();
      guard.step();
    }
    std::vector<std::string> names;
    for (const auto& site : guard.profile()->sites) {
      if (site.op != "test::inner" && site.op != "aten::mm") {
        names.push_back(site.name);
      }
    }
    return names;
  };
  EXPECT_EQ(sites_of(true), sites_of(false));
}

// A tensor that a backward is handed has the sizes and strides that it had when it was saved, even where the tensor's
// own have changed since (stock fails then).
TEST_P(Errors, MetadataIsThatOfTheSave) {
  const auto program = [](bool change) {
    return [change](const Trial& run) -> Tensors {
      auto x = leaf({64, 64});
      auto h = x * 0.5;
      auto loss = h.t().sin().sum() + h.cos().sum();
      if (change) {
        h.unsafeGetTensorImpl()->set_sizes_contiguous({4096});
      }
      h.reset();
      run.squeeze();
      loss.backward();
      return {x.grad()};
    };
  };
  const auto stock = run_stock(GetParam(), program(false));
  for (const Outcome& outcome : run_guarded(GetParam(), program(true))) {
    expect_right(outcome, stock[0], GetParam());
  }
}

TEST(ErrorsOnce, BuiltInOpsCannotBeDeclared) { EXPECT_THROW(declare_op("aten::mm", {Need::kShape}), Error); }

TEST(ErrorsOnce, TheGuardsErrorsAreOneSentence) {
  try {
    BudgetGuard guard(Budget::bytes(-5));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
  }
  EXPECT_THROW(BudgetGuard(Budget::fraction_of_device(3)), Error);
  GuardOptions options;
  options.load_plan = "/nonexistent/plan.json";
  EXPECT_THROW(BudgetGuard(Budget::exact(), options), Error);
  BudgetGuard works(Budget::exact());
}

CINCH_IN_EVERY_SETTING(Errors);

}  // namespace
}  // namespace cinch::test
