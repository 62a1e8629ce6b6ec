// Which tensors are casts of a parameter, told from the graph.
#include "hooks/catalogue/cast.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "hooks/catalogue/variants.h"

namespace cinch::hooks {
namespace {

using at::Tensor;

class CastLeaf : public ::testing::Test {
 protected:
  bool is_cast(const Tensor& tensor) {
    const Tensor* const found = cast_leaf(tensor);
    EXPECT_EQ(is_trained_leaf(tensor), found != nullptr);
    EXPECT_TRUE(found == nullptr || found->is_same(w));
    return found != nullptr;
  }
  Tensor half(const Tensor& tensor) { return tensor.to(at::kBFloat16); }

  Tensor w = at::randn({6, 4}).requires_grad_();
};

TEST_F(CastLeaf, IsFoundBehindTheCastAndItsViews) {
  const Tensor cast = half(w);
  EXPECT_TRUE(is_cast(cast));
  EXPECT_TRUE(is_cast(cast.t()));
  EXPECT_TRUE(is_cast(cast.t().view({2, 2, 6})));
  EXPECT_TRUE(is_cast(cast.slice(0, 1, 3)));
  EXPECT_TRUE(is_cast(cast.chunk(2)[1]));
  EXPECT_TRUE(is_cast(w.to(at::kHalf)));
  EXPECT_TRUE(is_cast(w.to(at::kDouble)));
}

// x.matmul(w.t()) casts the view.
TEST_F(CastLeaf, IsFoundBehindTheCastOfAWholeView) {
  EXPECT_TRUE(is_cast(half(w.t())));
  EXPECT_TRUE(is_cast(half(w.t()).t()));
  EXPECT_TRUE(is_cast(half(w.transpose(0, 1))));
  EXPECT_TRUE(is_cast(half(w.permute({1, 0}))));
  EXPECT_TRUE(is_cast(half(w.view({2, 3, 4}))));
  EXPECT_TRUE(is_cast(half(w.unsqueeze(0))));
  EXPECT_TRUE(is_cast(half(w.unsqueeze(0).squeeze(0))));
  EXPECT_TRUE(is_cast(half(w.t().view({2, 2, 6}))));
}

TEST_F(CastLeaf, IsNoneOfAnythingComputed) {
  EXPECT_FALSE(is_cast(half(w * 2)));
  EXPECT_FALSE(is_cast(half(w) * 2));
  EXPECT_FALSE(is_cast(half(w).relu()));
  EXPECT_FALSE(is_cast(half(w.relu())));
  EXPECT_FALSE(is_cast(half(w.clone())));
  EXPECT_FALSE(is_cast(half(w).clone()));
  EXPECT_FALSE(is_cast(half(w).to(at::kFloat)));
  EXPECT_FALSE(is_cast(half(w + w)));
  EXPECT_FALSE(is_cast(half(at::cat({w, w}))));
  EXPECT_FALSE(is_cast(w.t().contiguous()));
}

TEST_F(CastLeaf, IsNoneOfAPartOrARepetition) {
  EXPECT_FALSE(is_cast(half(w.slice(0, 1, 3))));
  EXPECT_FALSE(is_cast(half(w.unsqueeze(0).expand({5, 6, 4}))));
}

TEST_F(CastLeaf, IsNoneWhereNothingTrains) {
  EXPECT_FALSE(is_cast(half(at::randn({6, 4}))));
  EXPECT_FALSE(is_cast(half(w.detach())));
  EXPECT_EQ(cast_leaf(Tensor()), nullptr);
  const at::NoGradGuard no_grad;
  EXPECT_FALSE(is_cast(half(w)));
}

TEST_F(CastLeaf, IsNoneOfACopyInTheSameDtype) {
  EXPECT_FALSE(is_cast(w.to(at::kFloat, /*non_blocking=*/false, /*copy=*/true)));
  EXPECT_FALSE(is_cast(w.to(at::kFloat, false, true).t()));
}

TEST_F(CastLeaf, HoldsNothing) {
  const Tensor cast = half(w).t();
  const auto leaf_uses = w.use_count(), cast_uses = cast.use_count();
  const auto storage_uses = w.storage().use_count();
  ASSERT_NE(cast_leaf(cast), nullptr);
  EXPECT_EQ(w.use_count(), leaf_uses);
  EXPECT_EQ(cast.use_count(), cast_uses);
  EXPECT_EQ(w.storage().use_count(), storage_uses);
}

// In place: the cast is then no copy of the parameter any more.
TEST_F(CastLeaf, IsNoneAfterAWrite) {
  Tensor cast = half(w);
  ASSERT_TRUE(is_cast(cast));
  cast.mul_(2);
  EXPECT_FALSE(is_cast(cast));
  EXPECT_FALSE(is_cast(cast.t()));
}

}  // namespace
}  // namespace cinch::hooks
