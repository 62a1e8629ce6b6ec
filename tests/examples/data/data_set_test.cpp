#include "examples/data/data_set.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <filesystem>

#include "examples/data/data_error.h"

namespace cinch::data {
namespace {

TEST(FashionMnist, NamesThePackageWhenItIsMissing) {
  try {
    load_fashion_mnist("/nowhere");
    FAIL() << "no error";
  } catch (const DataError& error) {
    EXPECT_NE(std::string(error.what()).find("dataset-fashion-mnist"), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("/nowhere"), std::string::npos) << error.what();
  }
}

TEST(FashionMnist, HasNormalisedImagesAndTenClasses) {
  if (!std::filesystem::exists(kFashionMnistFolder)) GTEST_SKIP() << "dataset-fashion-mnist is not installed";
  const auto data = load_fashion_mnist();
  EXPECT_EQ(data->train_size(), 60000);
  EXPECT_EQ(data->test_size(), 10000);
  const models::Batch batch = data->test_batch(0, 1000);
  EXPECT_EQ(batch.input.sizes().vec(), (std::vector<int64_t>{1000, 1, 28, 28}));
  EXPECT_NEAR(batch.input.mean().item<double>(), 0.0, 0.05);
  EXPECT_NEAR(batch.input.std().item<double>(), 1.0, 0.05);
  EXPECT_FLOAT_EQ(batch.input.min().item<float>(), static_cast<float>(data->model_options().black));
  EXPECT_EQ(batch.target.bincount().numel(), 10);
  const std::vector<int64_t> indices{5, 0, 5};
  const models::Batch picked = data->train_batch(indices);
  EXPECT_TRUE(torch::equal(picked.input[0], picked.input[2]));
  EXPECT_FALSE(torch::equal(picked.input[0], picked.input[1]));
}

TEST(Text, TargetIsTheNextCharacter) {
  std::string text;
  for (int i = 0; i < 101; ++i) text.push_back(static_cast<char>('a' + i % 7));
  const auto data = make_text(text, "sample", 10);
  EXPECT_EQ(data->model_options().vocabulary, 7);
  EXPECT_EQ(data->train_size(), 9);
  EXPECT_EQ(data->test_size(), 1);
  const std::vector<int64_t> indices{2, 7};
  const models::Batch batch = data->train_batch(indices);
  EXPECT_TRUE(torch::equal(batch.input.slice(1, 1), batch.target.slice(1, 0, 9)));
  EXPECT_EQ(batch.input[0][0].item<int64_t>(), 20 % 7);
  EXPECT_EQ(data->test_batch(0, 1).input[0][0].item<int64_t>(), 90 % 7);
}

TEST(Text, RefusesTooFewCharacters) {
  EXPECT_THROW(make_text("", "empty", 10), DataError);
  EXPECT_THROW(make_text(std::string(100, 'a'), "short", 10), DataError);
  EXPECT_NO_THROW(make_text(std::string(101, 'a'), "enough", 10));
}

TEST(Text, NamesAFileThatIsNotThere) {
  EXPECT_THROW(load_text("/nowhere/at/all.txt"), DataError);
  EXPECT_THROW(load_text("/"), DataError);
}

TEST(Text, FindsTheHeadersOfTheLibraryInUse) {
  const auto data = load_text("");
  EXPECT_GT(data->train_size(), 1000);
  EXPECT_GT(data->model_options().vocabulary, 60);
}

}  // namespace
}  // namespace cinch::data
