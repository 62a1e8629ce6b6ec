#include <gtest/gtest.h>
#include <torch/torch.h>

#include "cinch/torch/meter.h"
#include "examples/data/data_error.h"
#include "examples/data/data_set.h"

namespace cinch::data {
namespace {

[[maybe_unused]] const DeviceMeter& meter = DeviceMeter::of(torch::kCPU);

const std::vector<int64_t> kIndices{5, 0, 5, 9999};

bool same(const models::Batch& a, const models::Batch& b) {
  return torch::equal(a.input, b.input) && torch::equal(a.target, b.target);
}

TEST(SyntheticImages, AreLikeImageNet) {
  const auto data = make_synthetic_images(1);
  EXPECT_EQ(data->model_options().classes, 1000);
  EXPECT_TRUE(models::is_large(data->model_options()));
  const models::Batch batch = data->train_batch(kIndices);
  EXPECT_EQ(batch.input.sizes().vec(), (std::vector<int64_t>{4, 3, 224, 224}));
  EXPECT_NEAR(batch.input.mean().item<double>(), 0.0, 0.05);
  EXPECT_NEAR(batch.input.std().item<double>(), 1.0, 0.05);
  EXPECT_TRUE(torch::equal(batch.input[0], batch.input[2]));
  EXPECT_FALSE(torch::equal(batch.input[0], batch.input[1]));
}

TEST(SyntheticImages, HaveOneClassEach) {
  const auto data = make_synthetic_images(1, 8);
  const models::Batch batch = data->test_batch(0, data->test_size());
  EXPECT_GE(batch.target.min().item<int64_t>(), 0);
  EXPECT_LT(batch.target.max().item<int64_t>(), 1000);
  // The first pixel tells images apart nearly always: equal ones are compared as a whole.
  int64_t twins = 0;
  const torch::Tensor first = batch.input.flatten(1).select(1, 0);
  for (int64_t i = 1; i < 300; ++i) {
    const torch::Tensor alike = first.slice(0, 0, i).eq(first[i]).nonzero().flatten();
    for (int64_t k = 0; k < alike.numel(); ++k) {
      const int64_t j = alike[k].item<int64_t>();
      if (!torch::equal(batch.input[i], batch.input[j])) continue;
      ++twins;
      EXPECT_EQ(batch.target[i].item<int64_t>(), batch.target[j].item<int64_t>());
    }
  }
  EXPECT_GT(twins, 0);
}

TEST(SyntheticText, IsShiftedByOneToken) {
  const auto data = make_synthetic_text(1, 64);
  EXPECT_EQ(data->model_options().vocabulary, 50257);
  EXPECT_EQ(data->model_options().context, 64);
  const models::Batch batch = data->train_batch(kIndices);
  EXPECT_EQ(batch.input.sizes().vec(), (std::vector<int64_t>{4, 64}));
  EXPECT_TRUE(torch::equal(batch.input.slice(1, 1), batch.target.slice(1, 0, 63)));
  EXPECT_FALSE(torch::equal(batch.input[0], batch.input[1]));
}

TEST(SyntheticText, HasFrequentAndRareTokens) {
  const models::Batch batch = make_synthetic_text(1, 1024)->test_batch(0, 64);
  EXPECT_GE(batch.input.min().item<int64_t>(), 0);
  EXPECT_LT(batch.input.max().item<int64_t>(), 50257);
  // Half of the cubes of uniform numbers are below an eighth.
  EXPECT_NEAR(batch.input.lt(50257 / 8).to(torch::kFloat64).mean().item<double>(), 0.5, 0.02);
}

TEST(Synthetic, RepeatsForItsSeedAlone) {
  EXPECT_TRUE(
      same(make_synthetic_images(3, 16)->train_batch(kIndices), make_synthetic_images(3, 16)->train_batch(kIndices)));
  EXPECT_FALSE(
      same(make_synthetic_images(3, 16)->train_batch(kIndices), make_synthetic_images(4, 16)->train_batch(kIndices)));
  EXPECT_TRUE(
      same(make_synthetic_text(3, 16)->train_batch(kIndices), make_synthetic_text(3, 16)->train_batch(kIndices)));
  EXPECT_FALSE(
      same(make_synthetic_text(3, 16)->train_batch(kIndices), make_synthetic_text(4, 16)->train_batch(kIndices)));
}

TEST(Synthetic, KeepsTestSamplesApart) {
  const auto data = make_synthetic_text(1, 64);
  const std::vector<int64_t> first{0};
  EXPECT_FALSE(same(data->train_batch(first), data->test_batch(0, 1)));
}

TEST(Synthetic, TakesNothingOfTorchsMemory) {
  const int64_t before = DeviceMeter::of(torch::kCPU).current_bytes();
  const auto images = make_synthetic_images(1);
  const auto text = make_synthetic_text(1, 64);
  EXPECT_EQ(DeviceMeter::of(torch::kCPU).current_bytes(), before);
}

TEST(Synthetic, RefusesSizesThatThePoolDoesNotHold) {
  EXPECT_THROW(make_synthetic_images(1, 0), DataError);
  EXPECT_THROW(make_synthetic_images(1, 513), DataError);
  EXPECT_THROW(make_synthetic_text(1, 0), DataError);
  EXPECT_THROW(make_synthetic_text(1, 65537), DataError);
}

}  // namespace
}  // namespace cinch::data
