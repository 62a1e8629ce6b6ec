#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <thread>

#include <ATen/core/dispatch/Dispatcher.h>

#include "cinch/error.h"
#include "cinch/torch/scope.h"
#include "hooks/catalogue/needs_table.h"
#include "tests/hooks/catalogue_call.h"

namespace cinch::hooks::test {
namespace {

using at::Tensor;

// Somebody may have vouched for the version under test.
class Unvouched {
 public:
  Unvouched() { unsetenv("CINCH_TRUST_TORCH"); }
  ~Unvouched() {
    if (vouched_) setenv("CINCH_TRUST_TORCH", before_.c_str(), 1);
  }
  Unvouched(const Unvouched&) = delete;
  Unvouched& operator=(const Unvouched&) = delete;

 private:
  const bool vouched_ = std::getenv("CINCH_TRUST_TORCH") != nullptr;
  const std::string before_ = vouched_ ? std::getenv("CINCH_TRUST_TORCH") : "";
};

TEST(Catalogue, HoldsForItsTorchVersionsOnly) {
  const Unvouched unvouched;
  const auto versions = catalogue_versions();
  ASSERT_LE(versions.size(), 32u) << "a row has one bit for each";
  const CatalogueTrust here = catalogue_trust("2.11.0+cu130");
  ASSERT_GE(here.version, 0);
  EXPECT_STREQ(versions[static_cast<size_t>(here.version)].name, "2.11.0");
  EXPECT_TRUE(here.devices.cpu && here.devices.cuda);
  EXPECT_EQ(catalogue_trust("2.11.0").version, here.version);
  for (const char* other : {"2.11.1", "2.1", "2.15", ""}) {
    EXPECT_LT(catalogue_trust(other).version, 0) << other;
    EXPECT_FALSE(catalogue_trust(other).devices.cpu) << other;
  }
}

TEST(Catalogue, IsTrustedOnTheDevicesOnWhichItRanWithThatVersion) {
  const Unvouched unvouched;
  const CatalogueTrust newer = catalogue_trust("2.15.0+cpu");
  ASSERT_GE(newer.version, 0);
  EXPECT_TRUE(newer.devices.cpu);
  EXPECT_FALSE(newer.devices.cuda) << "nobody has run it there";
  constexpr NeedRow kBoth = {.verified = {.cpu = true, .cuda = true}};
  EXPECT_TRUE(kBoth.is_verified(newer, c10::kCPU));
  EXPECT_FALSE(kBoth.is_verified(newer, c10::kCUDA));
  EXPECT_TRUE(kBoth.is_verified(catalogue_trust("2.11.0"), c10::kCUDA));
  EXPECT_FALSE(kBoth.is_verified(catalogue_trust("2.12.0"), c10::kCPU));
}

// clamp's bounds themselves have a gradient up to torch 2.11, and none in 2.15.
TEST(Catalogue, HasRowsOfSingleVersions) {
  const OpData* const clamp = find_op_data("aten::clamp", "");
  ASSERT_NE(clamp, nullptr);
  const auto predicate = [&](const char* version) {
    std::vector<PredicateKind> found;
    for (const NeedRow& row : clamp->slots.front().rows)
      if (row.is_for(catalogue_trust(version))) found.push_back(row.predicate);
    return found;
  };
  using enum PredicateKind;
  EXPECT_EQ(predicate("2.10.0"), std::vector{kClosedInterval});
  EXPECT_EQ(predicate("2.11.0"), std::vector{kClosedInterval});
  EXPECT_EQ(predicate("2.15.0"), std::vector{kOpenInterval});
}

TEST(Catalogue, HoldsForAVersionThatIsVouchedFor) {
  const Unvouched unvouched;
  setenv("CINCH_TRUST_TORCH", "2.99.1", 1);
  const int last = static_cast<int>(catalogue_versions().size()) - 1;
  EXPECT_EQ(catalogue_trust("2.99.1+cpu").version, last) << "as the newest before it";
  EXPECT_TRUE(catalogue_trust("2.99.1").devices.cuda);
  EXPECT_LT(catalogue_trust("2.99.10").version, 0);
  EXPECT_LT(catalogue_trust("").version, 0);
  setenv("CINCH_TRUST_TORCH", "2.11.3", 1);
  EXPECT_EQ(catalogue_trust("2.11.3").version, catalogue_trust("2.11.0").version);
  setenv("CINCH_TRUST_TORCH", "1.13.0", 1);
  EXPECT_EQ(catalogue_trust("1.13.0").version, 0) << "as the oldest";
  unsetenv("CINCH_TRUST_TORCH");
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

TEST(Catalogue, TheScriptMergesResultsOfTheBench) {
  EXPECT_EQ(std::system("python3 '" CINCH_SOURCE_DIR "/scripts/make_catalogue.py' --self-test"), 0);
}

// Meta tensors stand for any device on which nobody has run the row.
TEST(Trust, IsOfTheDevicesOnWhichTheRowWasRun) {
  constexpr VerifiedOn kCpuOnly = {.cpu = true};
  EXPECT_TRUE(kCpuOnly.device(c10::kCPU));
  EXPECT_FALSE(kCpuOnly.device(c10::kCUDA));
  EXPECT_FALSE(kCpuOnly.device(c10::kMeta));
  EXPECT_TRUE((VerifiedOn{.cuda = true}).device(c10::kCUDA));
  const Tensor here = leaf({4}).clone(), there = at::randn({4}, at::kMeta).requires_grad_().clone();
  EXPECT_EQ(call_of("aten::gelu", [&] { at::gelu(here); }).save(here).need, Need::kNonlinear);
  Call call = call_of("aten::gelu", [&] { at::gelu(there); });
  uint64_t taken = 0;
  const SlotNeed found = resolve_slot(*call.op, call.arguments(), there, taken);
  EXPECT_EQ(found.need, Need::kExact);
  ASSERT_NE(found.row, nullptr) << "the row is found, and not trusted";
  EXPECT_EQ(found.row->need, Need::kNonlinear);
  taken = 0;
  EXPECT_EQ(resolve_slot(*call.op, call.arguments(), there, taken, nullptr, Trust::kEveryRow).need, Need::kNonlinear);
}

// Lossless forms that every backward can bear need no trust.
TEST(Trust, IsNotNeededForIntegersAndBooleans) {
  const Tensor x = at::randn({4, 5}, at::kMeta).requires_grad_().clone();
  const Tensor index = at::zeros({2, 5}, at::TensorOptions(at::kLong).device(at::kMeta));
  EXPECT_EQ(call_of("aten::gather", [&] { at::gather(x, 0, index); }).save(index).need, Need::kInteger);
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
  Call call =
      call_of("aten::max_pool2d_with_indices", [&] { std::tie(out, index) = at::max_pool2d_with_indices(x, 2); });
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

}  // namespace
}  // namespace cinch::hooks::test
