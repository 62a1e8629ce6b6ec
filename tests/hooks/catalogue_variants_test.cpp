#include <gtest/gtest.h>

#include <limits>

#include "hooks/catalogue/variants.h"
#include "tests/hooks/catalogue_call.h"

namespace cinch::hooks::test {
namespace {

using at::Tensor;

TEST(Variants, AFrozenWeightNeedsTheShapeOfItsInput) {
  const Tensor x = leaf({1, 2, 6, 6}).clone(), w = at::randn({3, 2, 3, 3});
  Call frozen = call_of("aten::convolution", [&] { at::conv2d(x, w); });
  EXPECT_EQ(frozen.save(x).need, Need::kShape);
  EXPECT_EQ(frozen.save(w).need, Need::kLinear) << "not trained: no parameter that autograd knows of";
  const Tensor trained = leaf({3, 2, 3, 3});
  Call call = call_of("aten::convolution", [&] { at::conv2d(x, trained); });
  EXPECT_EQ(call.save(x).need, Need::kLinear);
  EXPECT_EQ(call.save(trained).need, Need::kParameter);
}

TEST(Variants, AViewOfAParameterIsOne) {
  const Tensor x = leaf({4, 6}), w = leaf({5, 6}), wt = w.t(), copy = w.t().clone();
  EXPECT_EQ(call_of("aten::mm", [&] { at::mm(x, wt); }).save(wt).need, Need::kParameter);
  EXPECT_EQ(call_of("aten::mm", [&] { at::mm(x, copy); }).save(copy).need, Need::kLinear);
}

TEST(Variants, BatchNormDependsOnItsMode) {
  const Tensor x = leaf({2, 3, 4, 4}).clone(), w = leaf({3}), b = leaf({3}), mean = at::zeros({3}), var = at::ones({3});
  const auto norm = [&](const Tensor& weight, bool training) {
    return call_of("aten::native_batch_norm",
                   [&] { at::batch_norm(x, weight, b, mean, var, training, 0.1, 1e-5, false); });
  };
  EXPECT_EQ(norm(w, true).save(x).need, Need::kNonlinear);
  EXPECT_EQ(norm(w, true).save(mean).need, Need::kShape);
  EXPECT_EQ(norm(w, false).save(x).need, Need::kLinear);
  EXPECT_EQ(norm(w, false).save(mean).need, Need::kExact);
  EXPECT_EQ(norm(w.detach(), false).save(x).need, Need::kShape);
}

TEST(Variants, TwoValuesAreExpectedOnlyInsideDropout) {
  const Tensor x = leaf({8}).clone(), other = at::ones({8});
  const OpInfo& dropout = op_info("aten::dropout");
  Call call = call_of("aten::mul", [&] { at::mul(x, other); });
  Call outside = call;
  const SlotNeed inside = call.save(other, &dropout);
  EXPECT_EQ(inside.need, Need::kMask);
  EXPECT_EQ(inside.predicate.kind, PredicateKind::kTwoValued);
  EXPECT_EQ(outside.save(other).need, Need::kLinear);
}

TEST(Variants, ABoolOperandIsBool) {
  const Tensor x = leaf({8}).clone(), mask = at::ones({8}, at::kBool);
  EXPECT_EQ(call_of("aten::mul", [&] { at::mul(x, mask); }).save(mask).need, Need::kBool);
}

TEST(Variants, ANormThatIsNotListedIsExact) {
  const Tensor x = leaf({4, 8}).clone();
  const auto need = [&](double p) {
    return call_of("aten::linalg_vector_norm", [&] { at::linalg_vector_norm(x, p); }).save(x).need;
  };
  EXPECT_EQ(need(2), Need::kLinear);
  EXPECT_EQ(need(1), Need::kMask);
  EXPECT_EQ(need(3), Need::kExact);
  EXPECT_EQ(need(std::numeric_limits<double>::infinity()), Need::kMask) << "joint with the result";
  EXPECT_EQ(need(-std::numeric_limits<double>::infinity()), Need::kExact);
}

TEST(Variants, WhatComparesTwoTensorsIsAJointMask) {
  const Tensor a = leaf({8}).clone(), b = leaf({8}).clone();
  const SlotNeed found = call_of("aten::maximum", [&] { at::maximum(a, b); }).save(b);
  EXPECT_EQ(found.slot, 0);
  EXPECT_EQ(found.need, Need::kMask);
  EXPECT_EQ(found.predicate, (Predicate{PredicateKind::kJointSign, 0.0, 0.0, false}));
}

TEST(Variants, WhatComparesThreeTensorsIsExact) {
  const Tensor a = leaf({8}).clone(), b = leaf({8}).clone(), index = at::arange(8);
  EXPECT_EQ(call_of("aten::scatter_reduce", [&] { at::scatter_reduce(a, 0, index, b, "amax"); }).save(a).need,
            Need::kExact);
}

TEST(Variants, ComplexValuesAreExact) {
  const Tensor z = at::randn({8}, at::kComplexFloat).requires_grad_().clone();
  EXPECT_EQ(call_of("aten::abs", [&] { at::abs(z); }).save(z).need, Need::kExact);
}

TEST(Bounds, ComeFromTheArguments) {
  const Tensor x = leaf({8}).clone();
  const SlotNeed relu6 = call_of("aten::hardtanh", [&] { at::hardtanh(x, 0, 6); }).save(x);
  EXPECT_EQ(relu6.predicate, (Predicate{PredicateKind::kOpenInterval, 0.0, 6.0, false}));
  const SlotNeed threshold = call_of("aten::threshold", [&] { at::threshold(x, 2, 5); }).save(x);
  EXPECT_EQ(threshold.predicate, (Predicate{PredicateKind::kGreater, 2.0, 0.0, true}));
}

TEST(Bounds, AreRoundedAsTheKernelComparesThem) {
  const Tensor x = leaf({8}).clone(), d = x.detach().to(at::kDouble).requires_grad_().clone();
  EXPECT_EQ(call_of("aten::softshrink", [&] { at::softshrink(x, 0.1); }).save(x).predicate.lo,
            static_cast<double>(0.1f));
  EXPECT_EQ(call_of("aten::softshrink", [&] { at::softshrink(d, 0.1); }).save(d).predicate.lo, 0.1);
}

TEST(Bounds, OfAClampMayBeOneSided) {
  const Tensor x = leaf({8}).clone();
  const auto clamp = [&](std::optional<at::Scalar> lo, std::optional<at::Scalar> hi) {
    return call_of("aten::clamp", [&] { at::clamp(x, lo, hi); }).save(x);
  };
  using enum PredicateKind;
  // The bounds themselves have a gradient up to torch 2.11 and none in 2.15.
  const bool closed = running_torch().version <= catalogue_trust("2.11.0").version;
  EXPECT_EQ(clamp(-1, 2).predicate, (Predicate{closed ? kClosedInterval : kOpenInterval, -1.0, 2.0, false}));
  EXPECT_EQ(clamp(-1, std::nullopt).predicate, (Predicate{closed ? kGreaterEqual : kGreater, -1.0, 0.0, false}));
  EXPECT_EQ(clamp(std::nullopt, 2).predicate, (Predicate{closed ? kLessEqual : kLess, 0.0, 2.0, false}));
}

TEST(Bounds, AreThoseOfTheVersionOfTorch) {
  const Tensor x = leaf({8}).clone();
  const auto call = call_of("aten::clamp", [&] { at::clamp(x, -1, 2); });
  const auto kind = [&](const char* version) {
    return pick_row({*call.op, call.arguments(), x}, call.op->slots.front(), catalogue_trust(version))->predicate;
  };
  EXPECT_EQ(kind("2.11.0"), PredicateKind::kClosedInterval);
  EXPECT_EQ(kind("2.15.0"), PredicateKind::kOpenInterval);
}

TEST(Bounds, ThatLeaveNoIntervalAreExact) {
  const Tensor x = leaf({8}).clone();
  const auto need = [&](double lo, double hi) {
    return call_of("aten::clamp", [&] { at::clamp(x, lo, hi); }).save(x).need;
  };
  EXPECT_EQ(need(-1, 1), Need::kMask);
  EXPECT_EQ(need(1, -1), Need::kExact);
  EXPECT_EQ(need(1, 1), Need::kExact);
  EXPECT_EQ(need(-1, std::numeric_limits<double>::infinity()), Need::kExact);
  EXPECT_EQ(need(std::numeric_limits<double>::quiet_NaN(), 1), Need::kExact);
}

TEST(PoolGeometry, ComesFromTheCall) {
  const Tensor x = leaf({2, 3, 9, 11});
  Tensor index;
  const Call call = call_of("aten::max_pool2d_with_indices", [&] {
    index = std::get<1>(at::max_pool2d_with_indices(x, {3, 2}, {2, 1}, {1, 0}, 1));
  });
  const auto g = pool_geometry(*call.op, call.arguments(), index);
  ASSERT_TRUE(g.has_value());
  EXPECT_EQ(g->planes, 6);
  EXPECT_EQ(g->channels, 3);
  EXPECT_FALSE(g->channels_last);
  EXPECT_EQ(g->in_h, 9);
  EXPECT_EQ(g->in_w, 11);
  EXPECT_EQ(g->out_h, index.size(2));
  EXPECT_EQ(g->kernel_h, 3);
  EXPECT_EQ(g->kernel_w, 2);
  EXPECT_EQ(g->stride_h, 2);
  EXPECT_EQ(g->stride_w, 1);
  EXPECT_EQ(g->pad_h, 1);
  EXPECT_EQ(g->pad_w, 0);
  EXPECT_EQ(g->dilation_h, 1);
}

TEST(PoolGeometry, AnEmptyStrideIsTheKernel) {
  const Tensor x = at::randn({2, 3, 8, 8}).contiguous(at::MemoryFormat::ChannelsLast).requires_grad_();
  Tensor index;
  const Call call =
      call_of("aten::max_pool2d_with_indices", [&] { index = std::get<1>(at::max_pool2d_with_indices(x, 2)); });
  const auto g = pool_geometry(*call.op, call.arguments(), index);
  ASSERT_TRUE(g.has_value());
  EXPECT_EQ(g->stride_h, 2);
  EXPECT_TRUE(g->channels_last);
}

TEST(PoolGeometry, OtherPoolsHaveNone) {
  const Tensor x = leaf({2, 3, 8, 8});
  Tensor index;
  const Call call = call_of("aten::adaptive_max_pool2d", [&] {
    index = std::get<1>(at::adaptive_max_pool2d(x, {2, 2}));
  });
  EXPECT_FALSE(pool_geometry(*call.op, call.arguments(), index).has_value());
}

}  // namespace
}  // namespace cinch::hooks::test
