// The networks for large data, in sizes that a test can bear: shapes, and gradients bit for bit as stock's.
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <functional>

#include "cinch/error.h"
#include "cinch/torch/guard.h"
#include "cinch/torch/meter.h"
#include "examples/models/transformer.h"

namespace cinch::models {
namespace {

// First of all, as in the programs: tensors made earlier would not be counted.
[[maybe_unused]] const DeviceMeter& meter = DeviceMeter::of(torch::kCPU);

constexpr TransformerSizes kSmall{.layers = 2, .width = 64, .heads = 4};

ModelOptions images_of(int64_t side) {
  ModelOptions options;
  options.classes = 7, options.image_channels = 3, options.image_side = side;
  return options;
}

ModelOptions tokens() {
  ModelOptions options;
  options.data = DataKind::kText, options.vocabulary = 300, options.context = 32;
  return options;
}

struct Reduced {
  std::string name;
  std::function<std::shared_ptr<Model>()> make;
  std::function<Batch()> batch;
  std::vector<int64_t> logits;
};

Batch image_batch(int64_t side) { return {torch::randn({4, 3, side, side}), torch::randint(0, 7, {4})}; }
Batch token_batch() { return {torch::randint(0, 300, {4, 32}), torch::randint(0, 300, {4, 32})}; }

std::vector<Reduced> reduced_models() {
  return {{"vit", [] { return make_vit(images_of(32), kSmall, 8); }, [] { return image_batch(32); }, {4, 7}},
          {"gpt2", [] { return make_gpt(tokens(), kSmall, true); }, token_batch, {4, 32, 300}},
          {"resnet18_large", [] { return make_resnet18(images_of(64)); }, [] { return image_batch(64); }, {4, 7}}};
}

void PrintTo(const Reduced& model, std::ostream* out) { *out << model.name; }

class ReducedModel : public testing::TestWithParam<Reduced> {
 protected:
  ReducedModel() {
    torch::manual_seed(5);
    model_ = GetParam().make();
    batch_ = GetParam().batch();
  }

  // Gradients of one forward and backward, dropout drawn anew from the same seed.
  std::vector<torch::Tensor> gradients(uint64_t seed) {
    model_->zero_grad();
    torch::manual_seed(seed);
    model_->run(batch_).loss.backward();
    std::vector<torch::Tensor> all;
    for (const auto& item : model_->named_parameters()) {
      EXPECT_TRUE(item.value().grad().defined()) << item.key();
      all.push_back(item.value().grad().clone());
    }
    return all;
  }

  std::shared_ptr<Model> model_;
  Batch batch_;
};

TEST_P(ReducedModel, GivesLogitsOfItsShape) {
  EXPECT_EQ(model_->logits(batch_.input).sizes().vec(), GetParam().logits);
}

TEST_P(ReducedModel, HasStocksGradientsUnderALosslessBudget) {
  constexpr uint64_t kSteps = 4;  // two observed, two under the plan
  std::vector<std::vector<torch::Tensor>> stock;
  for (uint64_t i = 0; i < kSteps; ++i) stock.push_back(gradients(i));
  BudgetGuard guard(*model_, Budget::exact());
  for (uint64_t i = 0; i < kSteps; ++i) {
    const auto guarded = gradients(i);
    guard.step();
    ASSERT_EQ(guarded.size(), stock[i].size());
    for (size_t p = 0; p < guarded.size(); ++p) EXPECT_TRUE(torch::equal(guarded[p], stock[i][p])) << i << ", " << p;
  }
  EXPECT_EQ(guard.phase(), Phase::kRun);
  EXPECT_EQ(guard.usage().fallbacks, 0);
  EXPECT_GT(guard.usage().charged_bytes, 0);
  EXPECT_LT(guard.usage().charged_bytes, guard.usage().raw_bytes);
}

INSTANTIATE_TEST_SUITE_P(Models, ReducedModel, testing::ValuesIn(reduced_models()),
                         [](const auto& info) { return info.param.name; });

TEST(Vit, RefusesImagesThatAreNotWholePatches) { EXPECT_THROW(make_vit(images_of(30), kSmall, 8), Error); }

TEST(Transformer, RefusesHeadsOfUnequalWidth) {
  EXPECT_THROW(make_vit(images_of(32), {.layers = 1, .width = 64, .heads = 5}, 8), Error);
}

TEST(Vit, MixesPatchesBeforeItLooksAtTheClass) {
  const auto model = make_vit(images_of(32), kSmall, 8);
  model->eval();
  torch::Tensor images = image_batch(32).input;
  const torch::Tensor before = model->logits(images);
  images.slice(2, 24).slice(3, 24).add_(1.0);  // the last patch alone
  EXPECT_FALSE(torch::allclose(before, model->logits(images)));
}

TEST(Gpt2, HasOneMatrixForEmbeddingAndLastLayer) {
  int64_t vocabulary_matrices = 0;
  for (const auto& parameter : make_gpt(tokens(), kSmall, true)->parameters())
    vocabulary_matrices += parameter.size(0) == 300 ? 1 : 0;
  EXPECT_EQ(vocabulary_matrices, 1);
}

}  // namespace
}  // namespace cinch::models
