// What custom ops save comes back as it was: every kind of tensor, with its sizes and strides.
#include "tests/hooks/support.h"

namespace cinch::test {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

class DataOfCustomOps : public InEverySetting {};

// Saves whatever it is given, and hands back a gradient that depends on what it reads.
struct Keeps : torch::autograd::Function<Keeps> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& kept) {
    context->save_for_backward({kept});
    return x.clone();
  }
  static variable_list backward(AutogradContext* context, const variable_list& grads) {
    seen = context->get_saved_variables()[0];
    return {grads[0], at::Tensor()};
  }
  static inline at::Tensor seen;
};

// What a custom op saved comes back the same, with its sizes, strides and offset's worth of values.
void expect_comes_back(const Trial& run, const std::function<at::Tensor()>& make, bool exact) {
  auto x = leaf({2});
  auto kept = make();
  const auto sizes = kept.sizes().vec();
  const bool conjugate = kept.is_conj(), negated = kept.is_neg();
  const auto copy = kept.detach().clone();
  const bool strided = kept.layout() == at::kStrided && !kept.is_meta();
  const auto strides = strided ? kept.strides().vec() : std::vector<int64_t>{};
  auto loss = Keeps::apply(x, kept).sum();
  kept.reset();
  run.squeeze();
  loss.backward();
  const auto seen = std::exchange(Keeps::seen, at::Tensor());
  EXPECT_EQ(seen.sizes(), sizes);
  EXPECT_EQ(seen.scalar_type(), copy.scalar_type());
  EXPECT_EQ(seen.layout(), copy.layout());
  EXPECT_EQ(seen.device(), copy.device());
  EXPECT_EQ(seen.is_conj(), conjugate);
  EXPECT_EQ(seen.is_neg(), negated);
  if (strided) {
    EXPECT_EQ(seen.strides(), strides);
    if (exact) {
      expect_same_bits(seen.contiguous(), copy.contiguous(), "saved tensor");
    } else {
      expect_close(seen.contiguous(), copy.contiguous(), 1.0, "saved tensor");
    }
  }
}

TEST_P(DataOfCustomOps, ConjugateAndNegatedViewsComeBack) {
  run_guarded(GetParam(), [](const Trial& run) -> Tensors {
    expect_comes_back(
        run,
        [] {
          return torch::randn({64, 64}, at::kComplexFloat).conj();
        },
        true);
    expect_comes_back(
        run,
        [] {
          return at::imag(torch::randn({64, 64}, at::kComplexFloat).conj());
        },
        true);
    return {};
  });
}

TEST_P(DataOfCustomOps, StridesComeBack) {
  declare_op("test::keeps", {Need::kLinear});
  const bool exact = is_lossless(GetParam());
  run_guarded(GetParam(), [exact](const Trial& run) -> Tensors {
    const OpScope scope("test::keeps");
    expect_comes_back(
        run,
        [] {
          return torch::randn({2, 8, 16, 16}).contiguous(at::MemoryFormat::ChannelsLast);
        },
        exact);
    expect_comes_back(
        run,
        [] {
          return torch::randn({8, 16, 32}).permute({2, 0, 1});
        },
        exact);
    expect_comes_back(
        run,
        [] {
          return torch::randn({64, 128}).slice(1, 3, 90, 2);
        },
        exact);
    expect_comes_back(
        run,
        [] {
          return torch::randn({4096}).as_strided({64, 1, 64}, {64, 77, 1});
        },
        exact);
    expect_comes_back(
        run,
        [] {
          return torch::randn({4096}).as_strided({1, 64, 64}, {1, 64, 1});
        },
        exact);
    expect_comes_back(
        run,
        [] {
          return torch::randn({4200}).as_strided({64, 64}, {64, 1}, 100);
        },
        exact);
    expect_comes_back(
        run,
        [] {
          return torch::randn({1, 512}).expand({8, 512});
        },
        exact);
    return {};
  });
}

TEST_P(DataOfCustomOps, IntegersComeBackExact) {
  declare_op("test::keeps_integers", {Need::kInteger});
  run_guarded(GetParam(), [](const Trial& run) -> Tensors {
    const OpScope scope("test::keeps_integers");
    for (const auto type : {at::kLong, at::kInt, at::kShort, at::kChar, at::kByte}) {
      expect_comes_back(
          run, [type] { return torch::randint(0, 127, {4099}, type); }, true);
    }
    expect_comes_back(
        run,
        [] {
          return at::tensor({INT64_MIN, INT64_MAX, int64_t{0}}).repeat({1000});
        },
        true);
    return {};
  });
}

// What no declaration covers is exact, whatever the plan would like.
TEST_P(DataOfCustomOps, SavesOfUnknownOpsAreExact) {
  run_guarded(GetParam(), [](const Trial& run) -> Tensors {
    expect_comes_back(
        run,
        [] {
          return torch::randn({64, 64});
        },
        true);
    expect_comes_back(
        run,
        [] {
          return torch::randn({64, 64}) > 0;
        },
        true);
    expect_comes_back(
        run,
        [] {
          return torch::randint(1000, {64, 64});
        },
        true);
    expect_comes_back(
        run,
        [] {
          return torch::randn({64, 64}, at::kDouble);
        },
        true);
    return {};
  });
}

TEST_P(DataOfCustomOps, OtherLayoutsPassThrough) {
  run_guarded(GetParam(), [](const Trial& run) -> Tensors {
    expect_comes_back(
        run,
        [] {
          return torch::randn({64, 64}).relu().to_sparse();
        },
        true);
    expect_comes_back(
        run,
        [] {
          return torch::randn({64, 64}).relu().to_sparse_csr();
        },
        true);
    expect_comes_back(
        run,
        [] {
          return torch::empty({64, 64}, at::kMeta);
        },
        true);
    expect_comes_back(
        run,
        [] {
          return torch::randn({64, 64}).to_mkldnn();
        },
        true);
    return {};
  });
}

TEST_P(DataOfCustomOps, QuantisedTensorsPassThrough) {
  run_guarded(GetParam(), [](const Trial& run) -> Tensors {
    auto x = leaf({2});
    auto q = at::quantize_per_tensor(torch::randn({64, 64}), 0.1, 3, at::kQInt8);
    const auto integers = q.int_repr();
    auto loss = Keeps::apply(x, q).sum();
    q.reset();
    run.squeeze();
    loss.backward();
    const auto seen = std::exchange(Keeps::seen, at::Tensor());
    EXPECT_TRUE(seen.is_quantized());
    expect_same_bits(seen.int_repr(), integers, "quantised values");
    return {};
  });
}

CINCH_IN_EVERY_SETTING(DataOfCustomOps);

}  // namespace
}  // namespace cinch::test
