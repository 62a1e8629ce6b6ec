// The examples of README.md and docs/guide.md, compiled as they stand there and run.
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <filesystem>
#include <iostream>

#include "readme_includes.inc"
#include "tests/support/scratch_folder.h"

namespace cinch::test {
namespace {

// 64 pictures of noise in ten classes.
class Pictures : public torch::data::Dataset<Pictures> {
 public:
  torch::data::Example<> get(size_t index) override {
    return {torch::randn({1, 32, 32}), torch::tensor(static_cast<int64_t>(index % 10))};
  }
  std::optional<size_t> size() const override { return 64; }
};

struct Net : torch::nn::Module {
  Net() {
    for (const int channels : {1, 32, 32, 32})
      layers->push_back(torch::nn::Conv2d(torch::nn::Conv2dOptions(channels, 32, 3).padding(1)));
    register_module("layers", layers);
    last = register_module("last", torch::nn::Linear(32, 10));
  }
  at::Tensor forward(at::Tensor x) {
    for (size_t i = 0; i < layers->size(); ++i) x = torch::sigmoid(layers->ptr<torch::nn::Conv2dImpl>(i)->forward(x));
    return last(x.mean({2, 3}));
  }
  torch::nn::ModuleList layers;
  torch::nn::Linear last{nullptr};
};

struct Scale : torch::autograd::Function<Scale> {
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x) {
    context->save_for_backward({x});
    return x * x;
  }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradients) {
    return {2 * context->get_saved_variables()[0] * gradients[0]};
  }
};

// What the examples speak of.
struct DocumentsTest : testing::Test {
  std::shared_ptr<Net> model = std::make_shared<Net>();
  torch::optim::SGD optimizer{model->parameters(), torch::optim::SGDOptions(0.01).momentum(0.9)};
  torch::nn::CrossEntropyLoss criterion;
  std::unique_ptr<
      torch::data::StatelessDataLoader<torch::data::datasets::MapDataset<Pictures, torch::data::transforms::Stack<>>,
                                       torch::data::samplers::SequentialSampler>>
      loader = torch::data::make_data_loader<torch::data::samplers::SequentialSampler>(
          Pictures().map(torch::data::transforms::Stack<>()), 8);
  at::Tensor features = torch::randn({256, 256}, torch::requires_grad());

  void train(BudgetGuard& guard, int epochs) {
    guard.track("model", *model);
    guard.track(optimizer);
    for (int epoch = 0; epoch < epochs; ++epoch)
      for (auto& batch : *loader) {
        optimizer.zero_grad();
        criterion(model->forward(batch.data), batch.target).backward();
        optimizer.step();
        guard.step();
      }
  }
};

TEST_F(DocumentsTest, Readme) {
#include "readme.inc"
  EXPECT_EQ(guard.usage().steps, 8);
  EXPECT_EQ(guard.phase(), Phase::kRun);
  EXPECT_GT(guard.usage().raw_bytes, 0);
  EXPECT_LE(guard.usage().device_peak_bytes, 600'000'000);
}

TEST_F(DocumentsTest, GuideLoop) {
#include "guide_loop.inc"
  EXPECT_EQ(guard.usage().steps, 8);
  ASSERT_NE(guard.plan(), nullptr);
  EXPECT_LT(guard.plan()->limit_bytes, guard.profile()->baseline_peak_bytes());
}

TEST_F(DocumentsTest, GuideUsage) {
  BudgetGuard guard(Budget::above_floor(0.25));
  train(guard, 1);
  testing::internal::CaptureStdout();
#include "guide_usage.inc"
  const std::string text = testing::internal::GetCapturedStdout();
  EXPECT_NE(text.find("bytes saved for the backward take"), std::string::npos) << text;
  EXPECT_EQ(usage.steps, 8);
}

TEST_F(DocumentsTest, GuideAccumulation) {
  BudgetGuard guard(Budget::above_floor(0.25));
#include "guide_accumulation.inc"
  EXPECT_EQ(guard.usage().steps, 2);
  EXPECT_EQ(guard.phase(), Phase::kRun);
}

TEST_F(DocumentsTest, GuideEvaluation) {
  BudgetGuard guard(Budget::above_floor(0.25));
  train(guard, 1);
  const int64_t before = guard.usage().raw_bytes;
  int64_t correct = 0;
#include "guide_evaluation.inc"
  EXPECT_GE(correct, 0);
  guard.step();
  EXPECT_GT(before, 0);
  EXPECT_EQ(guard.usage().raw_bytes, 0) << "nothing is saved without autograd";
}

TEST_F(DocumentsTest, GuideScopes) {
  BudgetGuard guard(Budget::exact());
  {
#include "guide_scopes.inc"
    loss.backward();
  }
  guard.step();
  const auto sites = guard.usage_by_site();
  EXPECT_TRUE(std::ranges::any_of(sites, [](const SiteUsage& site) { return site.layer == "loss.contrastive"; }));
}

TEST_F(DocumentsTest, GuideDeclare) {
  BudgetGuard guard(Budget::exact());
  for (int step = 0; step < 2; ++step) {
    const at::Tensor features = this->features * 2;
#include "guide_declare.inc"
    scaled.sum().backward();
    guard.step();
  }
  const auto& sites = guard.profile()->sites;
  const auto found = std::ranges::find_if(sites, [](const SiteProfile& site) { return site.op == "mine::scale"; });
  ASSERT_NE(found, sites.end()) << guard.profile()->to_json();
  EXPECT_EQ(found->need, Need::kLinear);
}

TEST_F(DocumentsTest, GuideResume) {
  const auto before = std::filesystem::current_path();
  const ScratchFolder folder;
  std::filesystem::current_path(folder.path());
  {
#include "guide_resume.inc"
    EXPECT_EQ(guard.phase(), Phase::kObserve);
    train(guard, 1);
  }
#include "guide_save.inc"
  const at::Tensor trained = model->last->weight.detach().clone();
  {
    const torch::NoGradGuard no_grad;
    model->last->weight.zero_();
  }
  {
#include "guide_resume.inc"
    EXPECT_TRUE(model->last->weight.equal(trained));
    EXPECT_EQ(guard.phase(), Phase::kRun) << "a plan from the first step on";
    train(guard, 1);
  }
  std::filesystem::current_path(before);
}

TEST_F(DocumentsTest, GuideReplan) {
  BudgetGuard guard(Budget::above_floor(0.25));
  train(guard, 1);
#include "guide_replan.inc"
  guard.step();
  EXPECT_EQ(guard.usage().limit_bytes, 80'000'000);
  EXPECT_EQ(guard.plan()->objective, Objective::kLeastTime);
}

TEST_F(DocumentsTest, GuideErrors) {
  const int64_t bytes = DeviceMeter::of(c10::kCPU).current_bytes();
  BudgetGuard guard(Budget::bytes(bytes + (64 << 20)));
  std::function<void()> train = [] { throw BudgetError("the smallest limit is 1 GiB", {}); };
  const auto told = [&] {
    testing::internal::CaptureStderr();
#include "guide_errors.inc"
    return testing::internal::GetCapturedStderr();
  };
  EXPECT_EQ(told(), "the smallest limit is 1 GiB\n");
  train = [] { torch::empty({1 << 30}); };
  EXPECT_NE(told().find(" bytes in payloads\n"), std::string::npos);
}

}  // namespace
}  // namespace cinch::test
