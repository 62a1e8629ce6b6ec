// Aliases of what has a lossless form: coded in every setting but the first, and still stock's gradients bit for bit,
// so that a payload taken for another's, a wrong offset or a wrong stride shows.
#include "tests/hooks/support.h"

namespace cinch::test {
namespace {

constexpr int64_t kBytes = 64 * 64 * 4;  // of the float tensors below

class CodedAliasing : public InEverySetting {};

// The gradient for random weights of each output's elements, which nothing saves. Outputs must not be what an op saved.
at::Tensor gradient(const Trial& run, const Tensors& outputs, const at::Tensor& x) {
  Tensors weights;
  for (const auto& y : outputs) {
    weights.push_back(torch::randn(y.sizes(), y.options().requires_grad(false)));
  }
  run.squeeze();
  return torch::autograd::grad(outputs, {x}, weights)[0];
}

std::function<void(BudgetGuard&)> expect_coded_of(Setting setting, int64_t raw_bytes) {
  return [setting, raw_bytes](BudgetGuard& guard) {
    EXPECT_EQ(guard.usage().raw_bytes, raw_bytes);
    expect_coded(setting)(guard);
  };
}

TEST_P(CodedAliasing, SeveralMasksOfOneTensorAreOnePayload) {
  expect_like_stock(
      GetParam(),
      [](const Trial& run) -> Tensors {
        auto x = leaf({64, 64});
        auto h = x * 2;
        const Tensors outputs{-at::threshold(h, 0.5, 0), -at::hardtanh(h, -1, 1), -h.abs(), -at::leaky_relu(h, 0.1)};
        h.reset();
        return {gradient(run, outputs, x)};
      },
      Bits::kAlways, expect_coded_of(GetParam(), kBytes));
}

TEST_P(CodedAliasing, AResultAndItsViews) {
  expect_like_stock(
      GetParam(),
      [](const Trial& run) -> Tensors {
        auto x = leaf({64, 64});
        auto h = (x * 2).relu();
        const Tensors outputs{-h.slice(0, 8, 40).abs(), -at::threshold(h.t(), 0.5, 0),
                              -at::hardtanh(h.select(1, 3), 0, 1), -h};
        h.reset();
        return {gradient(run, outputs, x)};
      },
      Bits::kAlways, expect_coded_of(GetParam(), kBytes));
}

// Also when the part comes first: a storage is coded as a whole or not at all.
TEST_P(CodedAliasing, AViewThatIsSavedBeforeItsBase) {
  expect_like_stock(
      GetParam(),
      [](const Trial& run) -> Tensors {
        auto x = leaf({64, 64});
        auto h = x * 2;
        Tensors outputs{-h.slice(0, 8, 40).abs()};
        outputs.push_back(-at::threshold(h, 0.5, 0));
        h.reset();
        return {gradient(run, outputs, x)};
      },
      Bits::kAlways, expect_coded_of(GetParam(), kBytes));
}

TEST_P(CodedAliasing, IndicesAndTheirViews) {
  expect_like_stock(
      GetParam(),
      [](const Trial& run) -> Tensors {
        auto x = leaf({64, 64});
        auto index = torch::randint(64, {64, 64});
        auto h = x * 2;
        const Tensors outputs{h.gather(1, index), h.gather(1, index.t()), h.gather(1, index.slice(0, 8, 40)),
                              h.gather(0, index.slice(1, 5, 37)), h.index_select(0, index.select(1, 3))};
        h.reset();
        index.reset();
        return {gradient(run, outputs, x)};
      },
      Bits::kAlways, expect_coded(GetParam()));
}

TEST_P(CodedAliasing, BooleansAndTheirViews) {
  expect_like_stock(
      GetParam(),
      [](const Trial& run) -> Tensors {
        auto x = leaf({96, 96});
        auto mask = torch::rand({96, 96}) < 0.4;
        auto h = x * 2;
        const Tensors outputs{h.masked_fill(mask, 0.3), h.slice(0, 0, 40).masked_fill(mask.slice(0, 16, 56), 0.3),
                              at::where(mask.t(), h, -h), h.select(0, 5).masked_fill(mask.select(1, 3), 0.3)};
        h.reset();
        mask.reset();
        return {gradient(run, outputs, x)};
      },
      Bits::kAlways, expect_coded_of(GetParam(), 96 * 96));
}

TEST_P(CodedAliasing, AChunkThatKeepsABigBase) {
  expect_like_stock(
      GetParam(),
      [](const Trial& run) -> Tensors {
        auto x = leaf({64, 64});
        const Tensors outputs{-(x * 2).slice(0, 16, 32).abs(),
                              -x.gather(1, torch::randint(64, {64, 64}).slice(0, 16, 32)),
                              -x.gather(0, torch::randint(64, {64, 64}).slice(1, 16, 32))};
        return {gradient(run, outputs, x)};
      },
      Bits::kAlways, expect_coded_of(GetParam(), kBytes + 2 * 64 * 64 * 8));
}

TEST_P(CodedAliasing, ChunksOfOneStorage) {
  for (const int64_t dim : {0, 2}) {
    expect_like_stock(
        GetParam(),
        [dim](const Trial& run) -> Tensors {
          auto x = leaf({6, 32, 48});
          auto values = (x * 2).chunk(3, dim);
          auto indices = torch::randint(32, {6, 32, 48}).chunk(3, dim);
          Tensors outputs;
          for (size_t i = 0; i < 3; ++i) {
            outputs.push_back(-at::threshold(values[i], 0.3 * static_cast<double>(i), 0));
            outputs.push_back(-values[i].gather(1, indices[2 - i]));
          }
          values.clear();
          indices.clear();
          return {gradient(run, outputs, x)};
        },
        Bits::kAlways, expect_coded_of(GetParam(), 6 * 32 * 48 * (4 + 8)));
  }
}

TEST_P(CodedAliasing, ExpandedIndicesCostTheirStorageOnly) {
  expect_like_stock(
      GetParam(),
      [](const Trial& run) -> Tensors {
        auto x = leaf({256, 512});
        const Tensors outputs{-x.gather(0, torch::randint(256, {1, 512}).expand({256, 512}))};
        return {gradient(run, outputs, x)};
      },
      Bits::kAlways, expect_coded_of(GetParam(), 512 * 8));
}

TEST_P(CodedAliasing, OverlappingWindowsOfIndices) {
  expect_like_stock(
      GetParam(),
      [](const Trial& run) -> Tensors {
        auto x = leaf({1021, 16});
        const Tensors outputs{-x.gather(1, torch::randint(16, {4096}).unfold(0, 16, 4))};
        return {gradient(run, outputs, x)};
      },
      Bits::kAlways, expect_coded_of(GetParam(), 4096 * 8));
}

// Freed storages and data pointers are used again at once, here by masks, indices and booleans in turns.
TEST_P(CodedAliasing, AddressesThatAreUsedAgainAreOtherTensors) {
  expect_like_stock(
      GetParam(),
      [](const Trial& run) -> Tensors {
        auto x = leaf({64, 64});
        Tensors outputs;
        for (int i = 0; i < 12; ++i) {
          outputs.push_back(-(x - 0.1 * i).relu());
          outputs.push_back(-x.gather(1, torch::randint(64, {64, 64})));
          outputs.push_back(x.masked_fill(torch::rand({64, 64}) < 0.5, 0));
          if (i % 5 == 0) {
            run.squeeze();
          }
        }
        return {gradient(run, outputs, x)};
      },
      Bits::kAlways, expect_coded_of(GetParam(), 12 * (kBytes + 64 * 64 * 8 + 64 * 64)));
}

TEST_P(CodedAliasing, AddressesAreUsedAgainAcrossDroppedGraphs) {
  expect_like_stock(
      GetParam(),
      [](const Trial& run) -> Tensors {
        auto x = leaf({64, 64});
        for (int i = 0; i < 10; ++i) {
          auto dropped = -(x - 0.1 * i).relu().gather(1, torch::randint(64, {64, 64}));
          run.squeeze();
        }
        const Tensors outputs{-(x + 0.2).relu().gather(1, torch::randint(64, {64, 64}))};
        return {gradient(run, outputs, x)};
      },
      Bits::kAlways, expect_coded(GetParam()));
}

// Each index is an offset in a window of its own geometry; the result before them is wanted as a mask and as a shape.
TEST_P(CodedAliasing, PoolsOfSeveralGeometriesOverOneResult) {
  expect_like_stock(
      GetParam(),
      [](const Trial& run) -> Tensors {
        auto x = leaf({2, 8, 32, 32});
        auto h = (x * 2).relu();
        const Tensors outputs{-at::max_pool2d(h, 2), -at::max_pool2d(h, 3, 2, 1),
                              -at::max_pool2d(h.slice(2, 4, 28), {2, 4}, {1, 2}),
                              -std::get<0>(at::adaptive_max_pool2d(h, {8, 8}))};
        h.reset();
        return {gradient(run, outputs, x)};
      },
      Bits::kAlways, expect_coded(GetParam()));
}

TEST_P(CodedAliasing, TheTwoValuesOfADropoutAndTheMaskAfterIt) {
  expect_like_stock(
      GetParam(),
      [](const Trial& run) -> Tensors {
        auto x = leaf({64, 64});
        const Tensors outputs{-at::dropout(x * 2, 0.5, true).relu(), -at::dropout(x, 0.3, true)};
        return {gradient(run, outputs, x)};
      },
      Bits::kAlways, expect_coded_of(GetParam(), 3 * kBytes));
}

// A mask beside lossy values, also after these were made coarser, is the tensor's own.
TEST_P(CodedAliasing, MasksBesideValues) {
  expect_like_stock(
      GetParam(),
      [](const Trial& run) -> Tensors {
        auto x = leaf({64, 64});
        auto h = x * 0.5;
        const Tensors masked{-at::threshold(h, 0.2, 0), -h.abs()};
        auto values = h.sin().sum();
        h.reset();
        const auto exact = gradient(run, masked, x);
        return {exact, torch::autograd::grad({values}, {x})[0]};
      },
      Bits::kFirst, [](BudgetGuard& guard) { EXPECT_EQ(guard.usage().fallbacks, 0); });
}

TEST_P(CodedAliasing, MasksOfAViewBesideValues) {
  expect_like_stock(
      GetParam(),
      [](const Trial& run) -> Tensors {
        auto x = leaf({64, 64});
        auto h = x * 0.5;
        const Tensors masked{-at::threshold(h, 0.2, 0), -h.slice(0, 8, 40).abs()};
        auto values = h.sin().sum();
        h.reset();
        const auto exact = gradient(run, masked, x);
        return {exact, torch::autograd::grad({values}, {x})[0]};
      },
      Bits::kFirst);
}

CINCH_IN_EVERY_SETTING(CodedAliasing);

// The halves of one storage are saved apart: one needs its values, the other a mask. The storage goes all the same.
TEST(CodedAliasingOnce, OfOneStorageOneHalfIsKeptAndTheOtherCoded) {
  const auto step = [] {
    auto x = torch::linspace(-1, 1, 8192).requires_grad_();
    auto loss = x.sum();
    for (int i = 0; i < 4; ++i) {
      const auto halves = (x * (i + 2)).chunk(2);
      loss = loss + halves[0].sin().sum() + halves[1].abs().sum();
    }
    loss.backward();
    return x.grad();
  };
  const at::Tensor stock = step();
  BudgetGuard guard(Budget::exact());
  for (int i = 0; i < 4; ++i) {
    expect_same_bits(step(), stock, "gradient");
    guard.step();
  }
  EXPECT_EQ(guard.usage().raw_bytes, 4 * 8192 * 4);
  EXPECT_GE(guard.usage().charged_bytes, 4 * 4096 * 4);
  EXPECT_LT(guard.usage().charged_bytes, 3 * (4096 * 4 + 2048) + 8192 * 4);  // the last one is still raw
  EXPECT_EQ(guard.usage().fallbacks, 0);
}

}  // namespace
}  // namespace cinch::test
