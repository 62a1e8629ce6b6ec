#include "examples/train/training.h"

#include <ATen/autocast_mode.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include "cinch/error.h"
#include "cinch/torch/meter.h"
#include "examples/train/rehearsal.h"
#include "examples/train/snapshot.h"

namespace cinch::train {
namespace {

Options small_options(int64_t steps) {
  Options options;
  options.model = "gpt";  // dropout and AdamW: generator and optimizer state matter
  options.batch = 2;
  options.steps = steps;
  return options;
}

std::unique_ptr<data::DataSet> small_text() {
  std::string text;
  for (int i = 0; i < 4000; ++i) text.push_back(static_cast<char>('a' + i * i % 23));
  return data::make_text(text, "sample", 16);
}

std::vector<torch::Tensor> parameters_after(Training& training, int64_t steps) {
  for (int64_t i = 0; i < steps; ++i) training.step(training.next_batch());
  std::vector<torch::Tensor> copies;
  for (const auto& parameter : training.model().parameters()) copies.push_back(parameter.detach().clone());
  return copies;
}

bool same(const std::vector<torch::Tensor>& a, const std::vector<torch::Tensor>& b) {
  bool equal = a.size() == b.size();
  for (size_t i = 0; equal && i < a.size(); ++i) equal = torch::equal(a[i], b[i]);
  return equal;
}

TEST(Training, RepeatsForItsSeed) {
  const auto data = small_text();
  const Options options = small_options(3);
  Training a(options, *data);
  const auto first = parameters_after(a, 3);
  Training b(options, *data);
  EXPECT_TRUE(same(first, parameters_after(b, 3)));
}

TEST(Training, LearningRateEndsNearZero) {
  const auto data = small_text();
  Training training(small_options(40), *data);
  const auto rate = [&] { return training.optimizer().param_groups()[0].options().get_lr(); };
  double highest = 0;
  for (int i = 0; i < 40; ++i) {
    training.step(training.next_batch());
    highest = std::max(highest, rate());
  }
  EXPECT_GT(highest, 9e-4);
  EXPECT_LT(rate(), 0.03 * highest);
}

TEST(Training, LearnsWhatIsEasy) {
  const auto data = data::make_text(std::string(4000, 'a') + "b", "sample", 16);
  Options options = small_options(30);
  options.batch = 8;
  Training training(options, *data);
  const double first = training.step(training.next_batch());
  for (int i = 1; i < 30; ++i) training.step(training.next_batch());
  const Evaluation result = training.evaluate(1000);
  EXPECT_LT(result.loss, first);
  EXPECT_GT(result.accuracy, 0.9);
  EXPECT_EQ(result.samples, data->test_size());
}

TEST(Training, MixedPrecisionIsOfTheForwardAlone) {
  const auto data = small_text();
  Options options = small_options(3);
  Training full(options, *data);
  options.amp = "bf16";
  Training mixed(options, *data);
  const auto batch = full.next_batch();
  const auto seeded_step = [&batch](Training& training) {
    torch::manual_seed(1);  // the same dropout
    return training.step(batch);
  };
  const double expected = seeded_step(full), rounded = seeded_step(mixed);
  EXPECT_NE(rounded, expected);
  EXPECT_NEAR(rounded, expected, 0.02 * expected);
  EXPECT_FALSE(at::autocast::is_autocast_enabled(torch::kCPU));
  for (const auto& item : mixed.model().named_parameters()) {
    EXPECT_EQ(item.value().scalar_type(), torch::kFloat32) << item.key();
    EXPECT_EQ(item.value().grad().scalar_type(), torch::kFloat32) << item.key();
  }
  // Parameters that the optimizer changed are rounded anew.
  EXPECT_NE(seeded_step(mixed), rounded);
}

TEST(LoadData, IsTheModelsOwnOrTheOneThatIsNamed) {
  Options options;
  options.model = "vit_b16";
  EXPECT_EQ(data_name(options), "synthetic-images");
  EXPECT_EQ(load_data(options)->model_options().image_side, 224);
  options.model = "gpt2";
  EXPECT_EQ(load_data(options)->model_options().context, 1024);
  options.model = "gpt", options.data = "synthetic-text";
  EXPECT_EQ(load_data(options)->model_options().context, 128);
  EXPECT_EQ(load_data(options)->model_options().vocabulary, 50257);
}

TEST(LoadData, RefusesUnknownNamesAndTextsThatNobodyReads) {
  Options options;
  options.data = "imagenet";
  EXPECT_THROW(load_data(options), Error);
  options.data = "synthetic-text", options.text = "some.txt";
  EXPECT_THROW(load_data(options), Error);
}

TEST(Snapshot, BringsBackEverything) {
  const auto data = small_text();
  const Options options = small_options(3);
  Training undisturbed(options, *data);
  const auto expected = parameters_after(undisturbed, 3);

  Training training(options, *data);
  Snapshot before(training);
  const int64_t bytes = DeviceMeter::of(torch::kCPU).current_bytes();
  parameters_after(training, 2);
  before.restore();
  EXPECT_EQ(DeviceMeter::of(torch::kCPU).current_bytes(), bytes);
  EXPECT_EQ(training.steps_done(), 0);
  EXPECT_TRUE(same(expected, parameters_after(training, 3)));
}

TEST(Snapshot, RefusesATrainingThatHasBegun) {
  const auto data = small_text();
  Training training(small_options(3), *data);
  training.step(training.next_batch());
  EXPECT_THROW(Snapshot{training}, Error);
}

TEST(Rehearsal, LeavesTheTrainingAsItWas) {
  const auto data = small_text();
  Options options = small_options(3);
  options.batch = 32;  // so that activations set the peak, not the optimizer
  Training undisturbed(options, *data);
  const auto expected = parameters_after(undisturbed, 3);

  Training training(options, *data);
  const int64_t bytes = DeviceMeter::of(torch::kCPU).current_bytes();
  const auto profile = rehearse(training);
  EXPECT_EQ(DeviceMeter::of(torch::kCPU).current_bytes(), bytes);
  ASSERT_NE(profile, nullptr);
  EXPECT_GT(profile->baseline_peak_bytes(), profile->floor_bytes());
  EXPECT_GT(profile->raw_peak_bytes(), 0);
  EXPECT_TRUE(same(expected, parameters_after(training, 3)));
}

}  // namespace
}  // namespace cinch::train
