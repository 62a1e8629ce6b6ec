// Ops whose backward compares two saved tensors: both are kept as one plane, and gradients are stock's bit for bit.
#include <limits>

#include "tests/hooks/support.h"

namespace cinch::test {
namespace {

using at::Tensor;
constexpr double kInf = std::numeric_limits<double>::infinity();

// One op of a tensor h and a second one g, of the same sizes.
struct JointCase {
  const char* name;
  std::function<Tensor(const Tensor& h, const Tensor& g)> op;
};

std::vector<JointCase> cases() {
  return {
      {"amax of the last dim", [](const Tensor& h, const Tensor&) { return h.amax({2}); }},
      {"amax of a middle dim", [](const Tensor& h, const Tensor&) { return h.amax({-2}, true); }},
      {"amax of two dims",
       [](const Tensor& h, const Tensor&) {
         return h.amax({0, 2});
       }},
      {"amax of all", [](const Tensor& h, const Tensor&) { return h.amax(); }},
      {"amax in another order",
       [](const Tensor& h, const Tensor&) {
         return h.permute({2, 0, 1}).amax({1});
       }},
      {"amin", [](const Tensor& h, const Tensor&) { return h.amin({1}); }},
      {"max", [](const Tensor& h, const Tensor&) { return h.max(); }},
      {"min", [](const Tensor& h, const Tensor&) { return h.min(); }},
      {"norm of rows", [](const Tensor& h, const Tensor&) { return at::linalg_vector_norm(h, kInf, {{2}}); }},
      {"norm of columns",
       [](const Tensor& h, const Tensor&) {
         return at::linalg_vector_norm(h, kInf, at::IntArrayRef({0, 1}), true);
       }},
      {"norm of all", [](const Tensor& h, const Tensor&) { return at::linalg_vector_norm(h, kInf); }},
      {"maximum", [](const Tensor& h, const Tensor& g) { return at::maximum(h, g); }},
      {"minimum", [](const Tensor& h, const Tensor& g) { return at::minimum(h, g); }},
      {"maximum of two layouts",
       [](const Tensor& h, const Tensor& g) { return at::maximum(h, g.transpose(0, 1).contiguous().transpose(0, 1)); }},
      {"maximum with a row", [](const Tensor& h, const Tensor& g) { return at::maximum(h, g[3][5] * 1); }},
      {"maximum with a column", [](const Tensor& h, const Tensor& g) { return at::maximum(g.narrow(2, 1, 1) * 1, h); }},
      {"maximum with itself", [](const Tensor& h, const Tensor&) { return at::maximum(h, h); }},
  };
}

// Few distinct values, so that ties are frequent; infinities, zeros of both signs, rows of zeros.
Tensor tied_leaf(at::ScalarType type, bool nan) {
  Tensor x = ((at::randn({32, 48, 20}) * 2).round() / 2).to(type);
  x[5].fill_(0.0);
  x[6] *= -0.0;
  x[1][2][3] = kInf;
  x[1][3][4] = -kInf;
  if (nan) x[2].select(1, 7).fill_(std::numeric_limits<double>::quiet_NaN());
  return x.requires_grad_();
}

Tensor gradient(const Trial& run, const Tensors& outputs, const Tensor& x) {
  Tensors weights;
  for (const auto& y : outputs) weights.push_back(at::randn(y.sizes(), y.options().requires_grad(false)));
  run.squeeze();
  return torch::autograd::grad(outputs, {x}, weights)[0];
}

class Joint : public InEverySetting {};
CINCH_IN_EVERY_SETTING(Joint);

TEST_P(Joint, GradientsAreStocks) {
  for (const auto& c : cases())
    for (const auto type : {at::kFloat, at::kBFloat16, at::kDouble})
      for (const bool nan : {false, true}) {
        SCOPED_TRACE(std::string(c.name) + ", " + c10::toString(type) + (nan ? ", with NaN" : ""));
        expect_like_stock(
            GetParam(),
            [&](const Trial& run) -> Tensors {
              const Tensor x = tied_leaf(type, nan);
              Tensor h = x * 2, g = x.flip({0, 1}) * 2;
              const Tensors outputs{-c.op(h, g)};
              h.reset();
              g.reset();
              return {gradient(run, outputs, x)};
            },
            Bits::kAlways, expect_coded(GetParam()));
      }
}

// A tensor in several pairs, on either side, and wanted as a mask as well.
TEST_P(Joint, OneTensorInSeveralPairs) {
  expect_like_stock(
      GetParam(),
      [](const Trial& run) -> Tensors {
        const Tensor x = tied_leaf(at::kFloat, true);
        Tensor h = x * 2, g = x.flip({0}) * 2, e = x.flip({1}) * 2;
        const Tensors outputs{-at::maximum(h, g), -at::minimum(e, h), -h.amax({0}), -h.abs(), -at::maximum(g, e)};
        for (Tensor* t : {&h, &g, &e}) t->reset();
        return {gradient(run, outputs, x)};
      },
      Bits::kAlways, expect_coded(GetParam()));
}

// Values of which a lossy form is good enough, and a plane beside them that is exact.
TEST_P(Joint, BesideValues) {
  expect_like_stock(
      GetParam(),
      [](const Trial& run) -> Tensors {
        const Tensor x = leaf({32, 48, 20});
        Tensor h = x * 0.5, g = x.flip({0}) * 0.5;
        const Tensors joint{-at::maximum(h, g), -h.amax({1}), -at::linalg_vector_norm(g, kInf, {{2}})};
        const Tensor values = h.sin().sum() + g.cos().sum();
        h.reset();
        g.reset();
        const Tensor exact = gradient(run, joint, x);
        return {exact, torch::autograd::grad({values}, {x})[0]};
      },
      Bits::kFirst, [](BudgetGuard& guard) { EXPECT_EQ(guard.usage().fallbacks, 0); });
}

TEST_P(Joint, BackwardsMayBeRepeated) {
  expect_like_stock(
      GetParam(),
      [](const Trial& run) -> Tensors {
        const Tensor x = tied_leaf(at::kFloat, false);
        Tensor h = x * 2, g = x.flip({0}) * 2;
        const Tensor y = at::maximum(h, g).sum() + h.amax({1}).sum() + at::linalg_vector_norm(g, kInf);
        h.reset();
        g.reset();
        Tensors gradients;
        for (int i = 0; i < 3; ++i) {
          gradients.push_back(torch::autograd::grad({y}, {x}, {}, true)[0]);
          run.squeeze();  // what was read raw stays raw: both slots come from one side
        }
        return gradients;
      },
      Bits::kAlways);
}

TEST_P(Joint, TheSecondDerivativeIsStocks) {
  for (const auto& c : cases()) {
    SCOPED_TRACE(c.name);
    expect_like_stock(
        GetParam(),
        [&](const Trial& run) -> Tensors {
          const Tensor x = tied_leaf(at::kFloat, false);
          Tensor h = x * 2, g = x.flip({0, 1}) * 2;
          const Tensor y = -c.op(h, g);
          h.reset();
          g.reset();
          const Tensor upstream = at::randn_like(y).requires_grad_();
          run.squeeze();
          const Tensor first = torch::autograd::grad({y}, {x}, {upstream}, true, true)[0];
          if (!is_lossless(GetParam())) return {first.detach()};  // what the second one saves itself would be lossy
          return {first.detach(), torch::autograd::grad({first.nan_to_num().sin().sum()}, {upstream})[0]};
        },
        Bits::kAlways);
  }
}

// Also where the first tensor is already a plane, and the other one was passed through because it is small.
TEST_P(Joint, AWriteToEitherIsAnError) {
  for (const bool partner : {false, true}) {
    expect_like_stock(
        GetParam(),
        [partner](const Trial& run) -> Tensors {
          const Tensor x = leaf({64, 64}), row = at::randn({64});
          Tensor h = x * 2;
          const Tensor y = at::maximum(h, row).sum();
          if (!partner) h.mul_(2);
          h.reset();
          run.squeeze();
          if (partner) row.mul_(2);
          y.backward();
          return {x.grad()};
        },
        Bits::kAlways);
  }
}

TEST_P(Joint, AResultThatTheUserWritesIsAnError) {
  expect_like_stock(
      GetParam(),
      [](const Trial& run) -> Tensors {
        const Tensor x = leaf({64, 64});
        const Tensor most = (x * 2).amax({1});
        run.squeeze();
        {
          const at::NoGradGuard no_grad;
          most.mul_(2);
        }
        most.sum().backward();
        return {x.grad()};
      },
      Bits::kAlways);
}

// No plane can stand for these: gaps, two dtypes, a shape that neither has, a leaf that is no payload.
TEST_P(Joint, WhatCannotBeAPairIsExact) {
  const std::vector<JointCase> kept = {
      {"gaps", [](const Tensor& h, const Tensor&) { return h.slice(2, 0, 9).amax({1}); }},
      {"dtypes",
       [](const Tensor& h, const Tensor&) { return at::linalg_vector_norm(h, kInf, {{1}}, false, at::kDouble); }},
      {"shapes",
       [](const Tensor& h, const Tensor& g) { return at::maximum(h.narrow(0, 0, 1) * 1, g.narrow(2, 0, 1) * 1); }},
  };
  for (const auto& c : kept) {
    SCOPED_TRACE(c.name);
    expect_like_stock(
        GetParam(),
        [&](const Trial& run) -> Tensors {
          const Tensor x = tied_leaf(at::kFloat, true);
          Tensor h = x * 2, g = x.flip({0, 1}) * 2;
          const Tensors outputs{-c.op(h, g)};
          h.reset();
          g.reset();
          return {gradient(run, outputs, x)};
        },
        Bits::kAlways,
        [](BudgetGuard& guard) {
          EXPECT_EQ(guard.usage().charged_bytes, guard.usage().raw_bytes);
          EXPECT_EQ(guard.usage().fallbacks, 0);
        });
  }
}

}  // namespace
}  // namespace cinch::test
