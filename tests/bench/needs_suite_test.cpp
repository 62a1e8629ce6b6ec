#include "bench/needs_suite.h"

#include <gtest/gtest.h>

#include "bench/needs_check.h"
#include "bench/needs_stand_ins.h"
#include "cinch/torch/scope.h"

namespace cinch::bench {
namespace {

TEST(NeedsSuite, EveryRowOfTheCatalogueHolds) {
  const NeedsReport report = run_needs();
  for (const NeedsRow& row : report.rows)
    EXPECT_TRUE(row.from_source || row.verified)
        << row.op << ' ' << row.slot << " [" << row.variant << "]: " << row.error;
  for (const std::string& broken : report.broken_cases) ADD_FAILURE() << broken;
  EXPECT_EQ(report.held + report.failed + report.from_source, static_cast<int>(report.rows.size()));
  EXPECT_GT(report.held, report.from_source);
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

TEST(StandIns, KeepTheLayout) {
  const Tensor x = at::randn({4, 6}).t();
  for (const auto& list : {garbage(x), other_values(x), same_in_predicate(x, {PredicateKind::kSign, 0.0, 0.0, false})})
    for (const Tensor& s : list) EXPECT_EQ(s.strides(), x.strides());
}

}  // namespace
}  // namespace cinch::bench
