// How two saves of one call meet.
#include "hooks/catalogue/joint.h"

#include <gtest/gtest.h>

#include "tests/hooks/catalogue_call.h"

namespace cinch::hooks::test {
namespace {

using at::Tensor;
using codec::JointAxis;
using Axes = std::vector<JointAxis>;

std::optional<JointLayout> layout_of(const std::string& op, const std::function<void()>& code, const Tensor& a,
                                     const Tensor& b, bool second_may_lead = false) {
  const Call call = call_of(op, code);
  JointShape first = joint_shape(a), second = joint_shape(b);
  first.may_lead = true;
  second.may_lead = second_may_lead;
  return joint_layout(*call.op, call.arguments(), {&first, &second});
}

std::optional<JointLayout> amax_layout(const Tensor& x, std::vector<int64_t> dims, bool keepdim) {
  Tensor result;
  return layout_of(
      "aten::amax", [&] { result = at::amax(x, dims, keepdim); }, x, at::amax(x, dims, keepdim));
}

TEST(JointLayout, AReductionMeetsItsResult) {
  const Tensor x = leaf({4, 5, 6}).clone();
  EXPECT_EQ(amax_layout(x, {2}, false)->axes, (Axes{{20, 1}, {6, 0}}));
  EXPECT_EQ(amax_layout(x, {2}, true)->axes, (Axes{{20, 1}, {6, 0}}));
  EXPECT_EQ(amax_layout(x, {-2}, false)->axes, (Axes{{4, 6}, {5, 0}, {6, 1}}));
  EXPECT_EQ(amax_layout(x, {0, 1}, false)->axes, (Axes{{20, 0}, {6, 1}}));
  EXPECT_EQ(amax_layout(x, {}, false)->axes, (Axes{{120, 0}}));
}

TEST(JointLayout, InTheOrderOfTheMemory) {
  const Tensor x = at::randn({2, 3, 4, 5}).contiguous(at::MemoryFormat::ChannelsLast).requires_grad_();
  const auto layout = amax_layout(x, {1}, false);
  ASSERT_TRUE(layout);
  int64_t numel = 1;
  for (const JointAxis& axis : layout->axes) numel *= axis.size;
  EXPECT_EQ(numel, x.numel());
  EXPECT_EQ(layout->axes.back(), (JointAxis{3, 0}));  // channels lie next to each other
}

TEST(JointLayout, ANormWithoutDimsIsOfAll) {
  const Tensor x = leaf({4, 6}).clone();
  const auto layout = layout_of(
      "aten::linalg_vector_norm", [&] { at::linalg_vector_norm(x, 1); }, x, at::scalar_tensor(1.0));
  ASSERT_TRUE(layout);
  EXPECT_EQ(layout->axes, (Axes{{24, 0}}));
}

TEST(JointLayout, OperandsAreBroadcast) {
  const Tensor a = leaf({4, 6}).clone(), row = leaf({6}).clone(), column = leaf({4, 1}).clone();
  const auto call = [&] { at::maximum(a, a); };
  EXPECT_EQ(layout_of("aten::maximum", call, a, a)->axes, (Axes{{24, 1}}));
  EXPECT_EQ(layout_of("aten::maximum", call, a, row)->axes, (Axes{{4, 0}, {6, 1}}));
  EXPECT_EQ(layout_of("aten::maximum", call, a, column)->axes, (Axes{{4, 1}, {6, 0}}));
  EXPECT_EQ(layout_of("aten::maximum", call, a, a.t().contiguous().t())->axes, (Axes{{4, 1}, {6, 4}}));
  const auto second = layout_of("aten::maximum", call, row, a, true);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->leader, 1);
}

TEST(JointLayout, NoPlaneWithoutALeader) {
  const Tensor a = leaf({4, 6}).clone(), row = leaf({6}).clone(), column = leaf({4, 1}).clone();
  const auto call = [&] { at::maximum(a, a); };
  EXPECT_FALSE(layout_of("aten::maximum", call, row, column, true)) << "neither has the shape of both";
  EXPECT_FALSE(layout_of("aten::maximum", call, row, a)) << "the larger one may not lead";
  EXPECT_FALSE(layout_of("aten::maximum", call, a.slice(1, 0, 5), row.slice(0, 0, 5))) << "gaps";
  EXPECT_FALSE(layout_of("aten::maximum", call, row.expand({4, 6}), row)) << "overlaps";
  EXPECT_FALSE(layout_of("aten::maximum", call, a, a.to(at::kDouble))) << "two dtypes";
}

}  // namespace
}  // namespace cinch::hooks::test
