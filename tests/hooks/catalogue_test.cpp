#include <gtest/gtest.h>

#include <cstdlib>
#include <limits>
#include <thread>

#include <ATen/core/dispatch/Dispatcher.h>
#include <torch/torch.h>

#include "cinch/error.h"
#include "cinch/torch/scope.h"
#include "hooks/catalogue/needs_table.h"
#include "hooks/catalogue/op_info.h"

namespace cinch::hooks {
namespace {

using at::Tensor;

// The first call of one operator, as the hooks would see it. Kernels may call an out= overload of the same name below.
struct Call {
  const OpInfo* op = nullptr;
  std::vector<c10::IValue> inputs;
  uint64_t taken = 0;

  c10::ArrayRef<const c10::IValue> arguments() const { return c10::ArrayRef<const c10::IValue>(inputs.data(), inputs.size()); }

  SlotNeed save(const Tensor& tensor, const OpInfo* parent = nullptr) {
    return resolve_slot(*op, arguments(), tensor, taken, parent);
  }
  std::string slot_of(const Tensor& tensor) { return slot_name(*op, save(tensor).slot); }
};

thread_local std::string wanted;
thread_local Call* wanted_call = nullptr;

std::unique_ptr<at::ObserverContext> op_begins(const at::RecordFunction& function) {
  if (wanted_call != nullptr && wanted_call->op == nullptr && wanted == function.name()) {
    wanted_call->op = &op_info(function);
    wanted_call->inputs.assign(function.inputs().begin(), function.inputs().end());
  }
  return nullptr;
}

Call call_of(const std::string& op, const std::function<void()>& code) {
  Call call;
  wanted = op;
  wanted_call = &call;
  const auto handle = at::addThreadLocalCallback(
      at::RecordFunctionCallback(op_begins).needsInputs(true).scopes({at::RecordScope::FUNCTION}));
  code();
  at::removeCallback(handle);
  wanted_call = nullptr;
  EXPECT_NE(call.op, nullptr) << op << " was not called";
  return call;
}

Tensor leaf(at::IntArrayRef sizes) { return at::randn(sizes).requires_grad_(); }

TEST(Catalogue, HoldsForItsTorchVersionsOnly) {
  EXPECT_TRUE(catalogue_holds_for("2.11.0"));
  EXPECT_TRUE(catalogue_holds_for("2.11.0+cu130"));
  EXPECT_FALSE(catalogue_holds_for("2.11.1"));
  EXPECT_FALSE(catalogue_holds_for("2.1"));
  EXPECT_FALSE(catalogue_holds_for(""));
}

TEST(Catalogue, NamesOnlyOperatorsAndArgumentsThatExist) {
  for (const OpData& data : needs_table()) {
    const auto handle = c10::Dispatcher::singleton().findSchema({data.name, data.overload});
    ASSERT_TRUE(handle.has_value()) << data.name << '.' << data.overload;
    const auto has = [&](const char* argument) {
      for (const auto& a : handle->schema().arguments())
        if (a.name() == argument) return true;
      return false;
    };
    for (const SlotData& slot : data.slots) {
      for (const NeedRow& row : slot.rows) {
        for (const Bound& bound : {row.lo, row.hi})
          EXPECT_TRUE(bound.argument == nullptr || has(bound.argument)) << data.name << ' ' << bound.argument;
        for (const Condition& c : row.when) EXPECT_TRUE(c.name == nullptr || has(c.name)) << data.name << ' ' << c.name;
      }
    }
  }
}

TEST(Catalogue, TableAndPageAreWhatTheScriptMakesOfTheSource) {
  EXPECT_EQ(std::system("python3 '" CINCH_SOURCE_DIR "/scripts/make_catalogue.py' --check"), 0);
}

TEST(Catalogue, GivesEachOverloadItsOwnSlots) {
  const Tensor x = leaf({4, 5});
  const Call all = call_of("aten::max", [&] { at::max(x); });
  const Call dim = call_of("aten::max", [&] { at::max(x, 1); });
  EXPECT_NE(all.op, dim.op);
  EXPECT_NE(all.op->id, dim.op->id);
  EXPECT_EQ(all.op->slots.size(), 2u);
  EXPECT_EQ(dim.op->slots.size(), 1u);
}

TEST(Catalogue, DoesNotKnowAnOverloadThatIsNotListed) {
  const Tensor x = leaf({4, 5});
  EXPECT_TRUE(call_of("aten::clamp", [&] { at::clamp(x, 0.0, 1.0); }).op->known);
  const Tensor lo = at::zeros({5}), hi = at::ones({5});
  EXPECT_FALSE(call_of("aten::clamp", [&] { at::clamp(x, lo, hi); }).op->known);
}

TEST(Catalogue, GivesOneObjectOnEveryThread) {
  const OpInfo* here = call_of("aten::relu", [] { at::relu(leaf({3})); }).op;
  const OpInfo* there = nullptr;
  std::thread([&] { there = call_of("aten::relu", [] { at::relu(leaf({3})); }).op; }).join();
  EXPECT_EQ(here, there);
}

TEST(Catalogue, ABareNameIsNeverABuiltInOp) {
  EXPECT_FALSE(op_info("aten::relu").known);
  EXPECT_FALSE(op_info("").known);
}

TEST(Slots, AreFoundByIdentityInAnyOrder) {
  const Tensor x = leaf({4, 6}), w = leaf({5, 6}), b = leaf({5}), wt = w.t();
  Call call = call_of("aten::addmm", [&] { at::addmm(b, x, wt); });
  EXPECT_EQ(call.slot_of(wt), "mat2");
  EXPECT_EQ(call.slot_of(x), "mat1");
}

TEST(Slots, ATensorThatIsBothOperandsTakesBothSlots) {
  const Tensor x = leaf({4}).clone();
  Call call = call_of("aten::mul", [&] { at::mul(x, x); });
  EXPECT_EQ(call.slot_of(x), "other");
  EXPECT_EQ(call.slot_of(x), "self");
}

TEST(Slots, OfAnInPlaceResultAreTheArgumentItself) {
  Tensor x = leaf({4}).clone();
  Call call = call_of("aten::relu_", [&] { at::relu_(x); });
  EXPECT_EQ(call.slot_of(x), "result");
}

TEST(Slots, OfAnInPlaceSelfAreAClone) {
  Tensor x = leaf({4}).clone();
  Call call = call_of("aten::hardtanh_", [&] { at::hardtanh_(x, 0, 6); });
  const SlotNeed found = call.save(x.detach().clone());
  EXPECT_EQ(slot_name(*call.op, found.slot), "self");
  EXPECT_EQ(found.need, Need::kMask);
}

TEST(Slots, OutputsComeByOrderAndDtype) {
  const Tensor x = leaf({2, 3, 8, 8});
  Tensor out, index;
  Call call = call_of("aten::max_pool2d_with_indices", [&] { std::tie(out, index) = at::max_pool2d_with_indices(x, 2); });
  EXPECT_EQ(call.save(out).slot, -1) << "a float is no index";
  EXPECT_EQ(call.slot_of(index), "result1");
  EXPECT_EQ(call.save(index).need, Need::kExact) << "there is no second index";
}

TEST(Slots, ListsGiveOneSlotToAllTheirTensors) {
  const Tensor x = leaf({4, 5}), a = at::tensor({0, 1}), b = at::tensor({2, 3});
  Call call = call_of("aten::index", [&] { at::index(x, {a, b}); });
  EXPECT_EQ(call.slot_of(a), "indices");
  EXPECT_EQ(call.slot_of(b), "indices");
}

TEST(Slots, UnknownOpsCountTheirSaves) {
  const OpInfo& op = op_info("not an operator");
  uint64_t taken = 0;
  for (int32_t i = 0; i < 100; ++i) {
    const SlotNeed found = resolve_slot(op, {}, at::ones({2}), taken);
    EXPECT_EQ(found.slot, i);
    EXPECT_EQ(found.need, Need::kExact);
  }
}

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
    return call_of("aten::native_batch_norm", [&] { at::batch_norm(x, weight, b, mean, var, training, 0.1, 1e-5, false); });
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
  const auto need = [&](double p) { return call_of("aten::linalg_vector_norm", [&] { at::linalg_vector_norm(x, p); }).save(x).need; };
  EXPECT_EQ(need(2), Need::kLinear);
  EXPECT_EQ(need(1), Need::kMask);
  EXPECT_EQ(need(3), Need::kExact);
  EXPECT_EQ(need(std::numeric_limits<double>::infinity()), Need::kExact) << "joint with the result";
}

TEST(Variants, WhatComparesTwoTensorsIsExact) {
  const Tensor a = leaf({8}).clone(), b = leaf({8}).clone();
  const SlotNeed found = call_of("aten::maximum", [&] { at::maximum(a, b); }).save(b);
  EXPECT_EQ(found.slot, 0);
  EXPECT_EQ(found.need, Need::kExact);
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
  EXPECT_EQ(call_of("aten::softshrink", [&] { at::softshrink(x, 0.1); }).save(x).predicate.lo, static_cast<double>(0.1f));
  EXPECT_EQ(call_of("aten::softshrink", [&] { at::softshrink(d, 0.1); }).save(d).predicate.lo, 0.1);
}

TEST(Bounds, OfAClampMayBeOneSided) {
  const Tensor x = leaf({8}).clone();
  const auto clamp = [&](std::optional<at::Scalar> lo, std::optional<at::Scalar> hi) {
    return call_of("aten::clamp", [&] { at::clamp(x, lo, hi); }).save(x);
  };
  EXPECT_EQ(clamp(-1, 2).predicate, (Predicate{PredicateKind::kClosedInterval, -1.0, 2.0, false}));
  EXPECT_EQ(clamp(-1, std::nullopt).predicate, (Predicate{PredicateKind::kGreaterEqual, -1.0, 0.0, false}));
  EXPECT_EQ(clamp(std::nullopt, 2).predicate, (Predicate{PredicateKind::kLessEqual, 0.0, 2.0, false}));
}

TEST(Bounds, ThatLeaveNoIntervalAreExact) {
  const Tensor x = leaf({8}).clone();
  const auto need = [&](double lo, double hi) { return call_of("aten::clamp", [&] { at::clamp(x, lo, hi); }).save(x).need; };
  EXPECT_EQ(need(-1, 1), Need::kMask);
  EXPECT_EQ(need(1, -1), Need::kExact);
  EXPECT_EQ(need(1, 1), Need::kExact);
  EXPECT_EQ(need(-1, std::numeric_limits<double>::infinity()), Need::kExact);
  EXPECT_EQ(need(std::numeric_limits<double>::quiet_NaN(), 1), Need::kExact);
}

TEST(DeclareOp, GivesNeedsInTheOrderOfTheSaves) {
  declare_op("test::two", {Need::kLinear, Need::kShape});
  const OpInfo& op = op_info("test::two");
  uint64_t taken = 0;
  EXPECT_EQ(resolve_slot(op, {}, at::ones({2}), taken).need, Need::kLinear);
  EXPECT_EQ(resolve_slot(op, {}, at::ones({2}), taken).need, Need::kShape);
  EXPECT_EQ(resolve_slot(op, {}, at::ones({2}), taken).need, Need::kExact) << "a third save was not declared";
}

TEST(DeclareOp, LeavesIntegersExactWhereValuesWereDeclared) {
  declare_op("test::values", {Need::kLinear});
  uint64_t taken = 0;
  EXPECT_EQ(resolve_slot(op_info("test::values"), {}, at::ones({2}, at::kLong), taken).need, Need::kExact);
}

TEST(DeclareOp, ReplacesAnEarlierDeclarationUnderTheSameId) {
  const int32_t id = op_info("test::again").id;
  declare_op("test::again", {Need::kExact});
  declare_op("test::again", {Need::kShape});
  EXPECT_EQ(op_info("test::again").id, id);
  uint64_t taken = 0;
  EXPECT_EQ(resolve_slot(op_info("test::again"), {}, at::ones({2}), taken).need, Need::kShape);
}

TEST(DeclareOp, ReachesOperatorsThatWereSeenBefore) {
  const Tensor x = leaf({4});
  const auto call = [&] { return call_of("aten::digamma", [&] { at::digamma(x); }); };
  EXPECT_FALSE(call().op->known);
  declare_op("aten::digamma", {Need::kNonlinear});
  EXPECT_EQ(call().save(x).need, Need::kNonlinear);
}

TEST(DeclareOp, RefusesWhatItCannotKeep) {
  EXPECT_THROW(declare_op("aten::relu", {Need::kShape}), Error);
  EXPECT_THROW(declare_op("test::mask", {Need::kMask}), Error);
  EXPECT_THROW(declare_op("", {}), Error);
}

TEST(PoolGeometry, ComesFromTheCall) {
  const Tensor x = leaf({2, 3, 9, 11});
  Tensor index;
  const Call call = call_of("aten::max_pool2d_with_indices",
                            [&] { index = std::get<1>(at::max_pool2d_with_indices(x, {3, 2}, {2, 1}, {1, 0}, 1)); });
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
  const Call call = call_of("aten::max_pool2d_with_indices", [&] { index = std::get<1>(at::max_pool2d_with_indices(x, 2)); });
  const auto g = pool_geometry(*call.op, call.arguments(), index);
  ASSERT_TRUE(g.has_value());
  EXPECT_EQ(g->stride_h, 2);
  EXPECT_TRUE(g->channels_last);
}

TEST(PoolGeometry, OtherPoolsHaveNone) {
  const Tensor x = leaf({2, 3, 8, 8});
  Tensor index;
  const Call call = call_of("aten::adaptive_max_pool2d", [&] { index = std::get<1>(at::adaptive_max_pool2d(x, {2, 2})); });
  EXPECT_FALSE(pool_geometry(*call.op, call.arguments(), index).has_value());
}

}  // namespace
}  // namespace cinch::hooks
