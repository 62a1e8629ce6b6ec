#include "bench/needs_suite.h"

#include <gtest/gtest.h>
#include <torch/cuda.h>

#include "bench/needs_check.h"
#include "bench/needs_stand_ins.h"
#include "cinch/torch/scope.h"
#include "src/backend/cuda/runtime.h"

namespace cinch::bench {
namespace {

void expect_every_claim_to_hold(const NeedsReport& report) {
  for (const NeedsRow& row : report.rows) {
    EXPECT_TRUE(row.verified || !row.claimed) << row.op << ' ' << row.slot << " [" << row.variant << "]: " << row.error;
    EXPECT_TRUE(row.run || !row.verified) << row.op << ' ' << row.slot;
  }
  for (const std::string& broken : report.broken_cases) ADD_FAILURE() << broken;
  EXPECT_EQ(report.held + report.failed + report.unclaimed_held + report.from_source,
            static_cast<int>(report.rows.size()));
}

TEST(NeedsSuite, EveryRowThatIsClaimedOnTheCpuHolds) {
  const NeedsReport report = run_needs();
  expect_every_claim_to_hold(report);
  EXPECT_EQ(report.device, "cpu");
  EXPECT_GT(report.held, report.from_source);
  // A row that holds and is not claimed is bytes given away.
  for (const NeedsRow& row : report.rows)
    EXPECT_TRUE(row.claimed || !row.verified) << row.op << ' ' << row.slot << " [" << row.variant << "] holds";
}

TEST(NeedsSuiteCuda, EveryRowThatIsClaimedHolds) {
  if (!torch::cuda::is_available()) GTEST_SKIP() << backend::cuda_problem();
  const NeedsReport report = run_needs(c10::Device(c10::kCUDA, 0));
  expect_every_claim_to_hold(report);
  EXPECT_GT(report.held + report.unclaimed_held, 0);
}

// The cases of the device alone are run, whatever the table says of the other one.
TEST(NeedsCases, OfCudaAreMarkedSo) {
  for (const NeedsCase& c : cuda_cases()) EXPECT_EQ(c.only, c10::kCUDA) << c.op;
}

TEST(NeedsCases, MakeTheirDataOnTheDeviceOfTheScope) {
  EXPECT_TRUE(case_device().is_cpu());
  {
    const OnDevice on(c10::kMeta);
    for (const Tensor& t :
         {leaf({3}), data({3}), edgy(70, at::kHalf, {1.0}, true), uniform({3}), indices({3}, 5), permutation(5)})
      EXPECT_TRUE(t.is_meta());
    EXPECT_TRUE(leaf({3}).requires_grad());
  }
  EXPECT_TRUE(case_device().is_cpu());
  EXPECT_TRUE(leaf({3}).is_cpu());
}

// One call of an operator that the catalogue lacks, with needs declared for the purpose.
RowResult check(const std::string& op, Need need, std::function<Tensor(const Tensor&)> f) {
  declare_op(op, {need});
  const auto call = [f](int64_t size, at::ScalarType dtype) {
    const Tensor x = (data({size, 4}, dtype).abs() + 0.5).requires_grad_();
    return Graph{{f(x)}, {x}};
  };
  RowResults results;
  EXPECT_EQ(check_case({op, "0[declared]", call, {3, 100}}, results), "");
  EXPECT_EQ(results.size(), 1u);
  return results.empty() ? RowResult{} : results.begin()->second;
}

Tensor digamma(const Tensor& x) { return at::digamma(x); }

TEST(NeedsCheck, FindsARowThatKeepsTooLittle) { EXPECT_NE(check("aten::digamma", Need::kShape, digamma).failure, ""); }

TEST(NeedsCheck, FindsARowThatIsNotLinear) { EXPECT_NE(check("aten::digamma", Need::kLinear, digamma).failure, ""); }

TEST(NeedsCheck, AcceptsARowThatIsRight) {
  const RowResult result = check("aten::digamma", Need::kNonlinear, digamma);
  EXPECT_EQ(result.failure, "");
  EXPECT_TRUE(result.changed);
  EXPECT_TRUE(result.nonlinear);
}

TEST(NeedsCheck, SeesThatNothingIsReadOfARowThatKeepsTooMuch) {
  const RowResult result = check("aten::replication_pad1d", Need::kExact, [](const Tensor& x) {
    return at::replication_pad1d(x, {1, 1});
  });
  EXPECT_EQ(result.failure, "");
  EXPECT_FALSE(result.changed);
}

TEST(NeedsCheck, ReportsOtherSavesThanExpected) {
  declare_op("aten::digamma", {Need::kNonlinear});
  RowResults results;
  const auto call = [](int64_t size, at::ScalarType) {
    const Tensor x = leaf({size});
    return Graph{{at::digamma(x)}, {x}};
  };
  EXPECT_NE(check_case({"aten::digamma", "self", call, {3}}, results), "");
}

TEST(StandIns, AgreeInThePredicateAlone) {
  const Tensor x = at::tensor({-2.0f, -1.0f, 0.0f, 0.5f, 1.0f, 3.0f});
  const auto stand_ins = same_in_predicate(x, {PredicateKind::kOpenInterval, -1.0, 1.0, false});
  ASSERT_FALSE(stand_ins.empty());
  for (const Tensor& s : stand_ins) {
    EXPECT_TRUE(at::equal((s > -1).logical_and(s < 1), (x > -1).logical_and(x < 1)));
    EXPECT_FALSE(at::equal(s, x));
  }
}

TEST(StandIns, OfTwoValuesRefuseAThird) {
  const Predicate two{PredicateKind::kTwoValued, 0.0, 0.0, false};
  EXPECT_TRUE(same_in_predicate(at::tensor({0.0f, 1.0f, 2.0f}), two).empty());
  EXPECT_EQ(same_in_predicate(at::tensor({0.0f, 2.0f, 2.0f}), two).size(), 1u);
}

TEST(StandIns, OfRandomStatesAreOtherStates) {
  const Tensor state = at::tensor({int64_t{5}, int64_t{-7}}).view(at::kUInt64);
  const auto others = other_values(state);
  EXPECT_EQ(others.size(), 3u);
  for (const Tensor& other : others) {
    EXPECT_EQ(other.scalar_type(), at::kUInt64);
    EXPECT_FALSE(at::equal(other.view(at::kLong), state.view(at::kLong)));
  }
}

TEST(StandIns, KeepTheLayout) {
  const Tensor x = at::randn({4, 6}).t();
  for (const auto& list : {garbage(x), other_values(x), same_in_predicate(x, {PredicateKind::kSign, 0.0, 0.0, false})})
    for (const Tensor& s : list) EXPECT_EQ(s.strides(), x.strides());
}

}  // namespace
}  // namespace cinch::bench
