#include "examples/train/options.h"

#include <gtest/gtest.h>

namespace cinch::train {
namespace {

ParseResult parse(std::vector<std::string> words) {
  words.insert(words.begin(), "cinch-train");
  std::vector<char*> argv;
  argv.reserve(words.size());
  for (std::string& word : words) argv.push_back(word.data());
  return parse_options(static_cast<int>(argv.size()), argv.data());
}

TEST(Options, HaveDefaults) {
  const ParseResult parsed = parse({});
  ASSERT_FALSE(parsed.exit_code);
  EXPECT_EQ(parsed.options.device, "cpu");
  EXPECT_EQ(parsed.options.amp, "none");
  EXPECT_EQ(parsed.options.data, "");
}

TEST(Options, RefuseUnknownPrecisionAndData) {
  EXPECT_EQ(parse({"--amp", "fp16"}).exit_code, 2);
  EXPECT_EQ(parse({"--data", "imagenet"}).exit_code, 2);
}

TEST(Options, TakeABatchOrLookForOne) {
  EXPECT_EQ(parse({"--batch", "48"}).options.batch, 48);
  EXPECT_FALSE(parse({"--batch", "48"}).options.batch_auto);
  EXPECT_TRUE(parse({"--batch", "auto"}).options.batch_auto);
  EXPECT_TRUE(parse({"--batch=auto"}).options.batch_auto);
  for (const char* bad : {"0", "-3", "many", "12x", "1e3", ""}) EXPECT_EQ(parse({"--batch", bad}).exit_code, 2) << bad;
}

// What the process without cinch is told must be the same training to the last digit.
TEST(TrainingArguments, SayTheSameTraining) {
  Options options;
  options.model = "vit_b16", options.data = "synthetic-images", options.device = "cuda:3", options.amp = "bf16";
  options.batch = 7, options.epochs = 2, options.steps = 11, options.seed = 18446744073709551615u;
  options.lr = 0.1 + 0.2, options.momentum = 1.0 / 3.0, options.weight_decay = 1e-300;
  const ParseResult parsed = parse(training_arguments(options));
  ASSERT_FALSE(parsed.exit_code);
  const Options& other = parsed.options;
  EXPECT_EQ(other.model, options.model);
  EXPECT_EQ(other.data, options.data);
  EXPECT_EQ(other.device, options.device);
  EXPECT_EQ(other.amp, options.amp);
  EXPECT_EQ(other.batch, options.batch);
  EXPECT_EQ(other.epochs, options.epochs);
  EXPECT_EQ(other.steps, options.steps);
  EXPECT_EQ(other.seed, options.seed);
  EXPECT_EQ(other.lr, options.lr);
  EXPECT_EQ(other.momentum, options.momentum);
  EXPECT_EQ(other.weight_decay, options.weight_decay);
}

TEST(TrainingArguments, LeaveTheModelsOwnToTheModel) {
  const ParseResult parsed = parse(training_arguments(Options{}));
  ASSERT_FALSE(parsed.exit_code);
  EXPECT_FALSE(parsed.options.lr);
  EXPECT_FALSE(parsed.options.weight_decay);
  EXPECT_EQ(parsed.options.steps, 0);
  EXPECT_EQ(parsed.options.text, "");
}

}  // namespace
}  // namespace cinch::train
