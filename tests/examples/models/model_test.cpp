#include "examples/models/model.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "cinch/error.h"

namespace cinch::models {
namespace {

struct Sample {
  std::string name;
  DataKind data;
  std::vector<int64_t> logits;
};

std::string label(const Sample& sample) { return sample.name + (sample.data == DataKind::kText ? "_text" : "_images"); }
// Without it the bytes of the object, addresses among them, would be part of the test's name.
void PrintTo(const Sample& sample, std::ostream* out) { *out << label(sample); }

Batch batch_for(DataKind kind) {
  torch::manual_seed(3);
  if (kind == DataKind::kText) return {torch::randint(0, 50, {2, 16}), torch::randint(0, 50, {2, 16})};
  return {torch::randn({2, 1, 28, 28}), torch::randint(0, 10, {2})};
}

ModelOptions options_for(DataKind kind) {
  ModelOptions options;
  options.data = kind;
  if (kind == DataKind::kText) options.vocabulary = 50, options.context = 16;
  return options;
}

class ModelCase : public testing::TestWithParam<Sample> {};

TEST_P(ModelCase, GivesLogitsOfItsShape) {
  const auto model = make_model(GetParam().name, options_for(GetParam().data));
  EXPECT_EQ(model->logits(batch_for(GetParam().data).input).sizes().vec(), GetParam().logits);
}

TEST_P(ModelCase, BackwardReachesEveryParameter) {
  const auto model = make_model(GetParam().name, options_for(GetParam().data));
  const Output out = model->run(batch_for(GetParam().data), true);
  EXPECT_EQ(out.loss.dim(), 0);
  EXPECT_TRUE(std::isfinite(out.loss.item<double>()));
  EXPECT_GT(out.counted, 0);
  EXPECT_LE(out.hits, out.counted);
  out.loss.backward();
  for (const auto& item : model->named_parameters()) {
    ASSERT_TRUE(item.value().grad().defined()) << item.key();
    EXPECT_TRUE(item.value().grad().isfinite().all().item<bool>()) << item.key();
  }
}

INSTANTIATE_TEST_SUITE_P(
    Models, ModelCase,
    testing::Values(Sample{"resnet18", DataKind::kImages, {2, 10}}, Sample{"resnet50", DataKind::kImages, {2, 10}},
                    Sample{"vgg16", DataKind::kImages, {2, 10}}, Sample{"mobilenet_v2", DataKind::kImages, {2, 10}},
                    Sample{"unet", DataKind::kImages, {2, 1, 32, 32}}, Sample{"lstm", DataKind::kImages, {2, 10}},
                    Sample{"lstm", DataKind::kText, {2, 16, 50}}, Sample{"gpt", DataKind::kText, {2, 16, 50}}),
    [](const auto& info) { return label(info.param); });

TEST(MakeModel, HasTheParametersOfResNet18) {
  int64_t count = 0;
  for (const auto& parameter : make_model("resnet18")->parameters()) count += parameter.numel();
  // The published network has 11,689,512; here the stem is 3x3 on one channel and there are ten classes.
  EXPECT_EQ(count, 11689512 - (64 * 3 * 49 - 64 * 9) - (513 * 1000 - 513 * 10));
}

int64_t parameters_of(const std::string& name, const ModelOptions& options) {
  int64_t count = 0;
  for (const auto& parameter : make_model(name, options)->parameters()) count += parameter.numel();
  return count;
}

ModelOptions imagenet() {
  ModelOptions options;
  options.classes = 1000, options.image_channels = 3, options.image_side = 224;
  return options;
}

TEST(MakeModel, HasThePublishedParametersOnLargeImages) {
  EXPECT_EQ(parameters_of("resnet18", imagenet()), 11689512);
  EXPECT_EQ(parameters_of("resnet50", imagenet()), 25557032);
  EXPECT_EQ(parameters_of("vit_b16", imagenet()), 86567656);
}

TEST(MakeModel, HasThePublishedParametersOfGpt2) {
  ModelOptions options = options_for(DataKind::kText);
  options.vocabulary = 50257, options.context = default_context("gpt2");
  EXPECT_EQ(parameters_of("gpt2", options), 124439808);
}

TEST(MakeModel, ListsTheNamesForAnUnknownOne) {
  try {
    make_model("resnet19");
    FAIL() << "no error";
  } catch (const Error& error) {
    for (const std::string& name : model_names())
      EXPECT_NE(std::string(error.what()).find(name), std::string::npos) << name;
  }
}

TEST(MakeModel, RefusesDataThatTheModelCannotTake) {
  EXPECT_THROW(make_model("gpt", options_for(DataKind::kImages)), Error);
  EXPECT_THROW(make_model("resnet18", options_for(DataKind::kText)), Error);
  EXPECT_THROW(make_model("gpt2", options_for(DataKind::kImages)), Error);
  EXPECT_THROW(make_model("vit_b16", options_for(DataKind::kImages)), Error);
  for (const char* name : {"vgg16", "mobilenet_v2", "unet", "lstm"}) EXPECT_THROW(make_model(name, imagenet()), Error);
}

TEST(Gpt, RefusesASequenceLongerThanItsContext) {
  const auto model = make_model("gpt", options_for(DataKind::kText));
  EXPECT_THROW(model->logits(torch::zeros({1, 17}, torch::kInt64)), Error);
}

TEST(Gpt, SeesNoLaterCharacter) {
  const auto model = make_model("gpt", options_for(DataKind::kText));
  model->eval();
  torch::Tensor text = batch_for(DataKind::kText).input;
  const torch::Tensor before = model->logits(text);
  text.select(1, 9).add_(1).remainder_(50);
  const torch::Tensor after = model->logits(text);
  EXPECT_TRUE(torch::equal(before.slice(1, 0, 9), after.slice(1, 0, 9)));
  EXPECT_FALSE(torch::equal(before.slice(1, 9), after.slice(1, 9)));
}

}  // namespace
}  // namespace cinch::models
