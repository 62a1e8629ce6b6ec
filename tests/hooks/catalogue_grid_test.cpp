// What codecs that look at neighbours or channels are told of a saved tensor.
#include <ATen/Functions.h>
#include <gtest/gtest.h>

#include "hooks/catalogue/op_info.h"

namespace cinch::hooks {
namespace {

using Sides = std::array<int64_t, 3>;

struct Expected {
  int64_t outer;
  Sides sides;
  int64_t inner, channels;
};

void expect_grid(const char* op, const at::Tensor& tensor, const Expected& e) {
  const auto grid = grid_of(op_info(std::string(op)), tensor);
  ASSERT_TRUE(grid) << op << tensor.sizes();
  EXPECT_EQ(grid->outer, e.outer) << op << tensor.sizes();
  EXPECT_EQ(grid->sides, e.sides) << op << tensor.sizes();
  EXPECT_EQ(grid->inner, e.inner) << op << tensor.sizes();
  EXPECT_EQ(grid->channels, e.channels) << op << tensor.sizes();
}

TEST(Grid, ImagesInBothMemoryFormats) {
  const auto images = at::empty({2, 3, 5, 7});
  expect_grid("aten::convolution", images, {6, {1, 5, 7}, 1, 3});
  expect_grid("aten::relu", images, {6, {1, 5, 7}, 1, 3});
  expect_grid("aten::convolution", images.contiguous(at::MemoryFormat::ChannelsLast), {2, {1, 5, 7}, 3, 1});
  const auto volumes = at::empty({2, 3, 4, 5, 7});
  expect_grid("aten::convolution", volumes, {6, {4, 5, 7}, 1, 3});
  expect_grid("aten::convolution", volumes.contiguous(at::MemoryFormat::ChannelsLast3d), {2, {4, 5, 7}, 3, 1});
}

TEST(Grid, ThreeSizesAreTokensUnlessTheOpSaysChannelsFirst) {
  const auto x = at::empty({2, 3, 5});
  expect_grid("aten::native_layer_norm", x, {2, {1, 1, 3}, 5, 1});
  expect_grid("aten::convolution", x, {6, {1, 1, 5}, 1, 3});
  expect_grid("aten::native_batch_norm", x, {6, {1, 1, 5}, 1, 3});
  expect_grid("aten::addmm", at::empty({8, 5}), {1, {1, 1, 8}, 5, 1});
}

TEST(Grid, FourSizesOfAttentionAreHeadsOfTokens) {
  expect_grid("aten::_scaled_dot_product_flash_attention_for_cpu", at::empty({2, 4, 8, 16}), {8, {1, 1, 8}, 16, 1});
}

TEST(Grid, EmptyTensorsHaveAGridOfNothing) {
  expect_grid("aten::convolution", at::empty({0, 3, 5, 7}), {0, {1, 5, 7}, 1, 3});
  expect_grid("aten::convolution", at::empty({2, 0, 5, 7}), {0, {1, 5, 7}, 1, 1});
}

TEST(Grid, WhatItCannotTellHasNone) {
  const OpInfo& op = op_info(std::string("aten::mul"));
  EXPECT_FALSE(grid_of(op, at::empty({8})));
  EXPECT_FALSE(grid_of(op, at::empty({})));
  EXPECT_FALSE(grid_of(op, at::empty({4, 8}).t()));
  EXPECT_FALSE(grid_of(op, at::empty({1, 2, 3, 4, 5, 6})));
}

}  // namespace
}  // namespace cinch::hooks
