// Training on a GPU under a guard, beside stock.
#include <c10/core/Event.h>
#include <c10/cuda/CUDAFunctions.h>
#include <c10/cuda/CUDAGuard.h>

#include <ATen/cuda/CUDAGraph.h>

#include <thread>

#include "cinch/torch/out_of_budget.h"
#include "tests/hooks/cuda/support.h"

namespace cinch::test {
namespace {

class TrainingCuda : public OnGpu {};

GuardOptions on_gpu() {
  GuardOptions options;
  options.device = kCuda;
  return options;
}

Budget two_bits() {
  Budget budget;
  SiteRule rule;
  rule.match = "*";
  rule.codec = CodecSpec{"group_quant", {{"bits", int64_t{2}}}};
  budget.rules.push_back(rule);
  budget.min_effective_batch = 0;
  return budget;
}

TEST_F(TrainingCuda, ExactGradientsAreStocksBitForBit) {
  auto stock_net = make_net();
  const Step stock = train(stock_net, 5, nullptr);
  auto net = make_net();
  BudgetGuard guard(Budget::exact(), on_gpu());
  const Step ours = train(net, 5, &guard);
  EXPECT_EQ(ours.loss, stock.loss);
  ASSERT_EQ(ours.gradients.size(), stock.gradients.size());
  for (size_t i = 0; i < stock.gradients.size(); ++i)
    EXPECT_TRUE(torch::equal(ours.gradients[i], stock.gradients[i])) << "parameter " << i;
  EXPECT_GT(guard.usage().raw_bytes, 0);
  EXPECT_EQ(guard.usage().fallbacks, 0);
}

TEST_F(TrainingCuda, OffloadedPayloadsComeBackBitForBit) {
  auto stock_net = make_net();
  const Step stock = train(stock_net, 6, nullptr);
  auto net = make_net();
  auto budget = Budget::exact();
  budget.rules.push_back({"*", CodecSpec{"offload", {}}, {}});
  BudgetGuard guard(budget, on_gpu());
  const Step ours = train(net, 6, &guard);
  ASSERT_EQ(ours.gradients.size(), stock.gradients.size());
  for (size_t i = 0; i < stock.gradients.size(); ++i)
    EXPECT_TRUE(torch::equal(ours.gradients[i], stock.gradients[i])) << "parameter " << i;
  EXPECT_GT(guard.usage().offloaded_bytes, int64_t{8} << 20);
  EXPECT_EQ(guard.usage().fallbacks, 0);
}

TEST_F(TrainingCuda, CodedPayloadsAreSmallAndGradientsNear) {
  if (!catalogue_holds_on_cuda()) GTEST_SKIP() << "the catalogue was not verified on CUDA: nothing may be coded yet";
  auto stock_net = make_net();
  const Step stock = train(stock_net, 4, nullptr);
  auto net = make_net();
  BudgetGuard guard(two_bits(), on_gpu());
  const Step ours = train(net, 4, &guard);
  const Usage usage = guard.usage();
  ASSERT_NE(guard.plan(), nullptr);
  bool coded = false;
  int64_t payload_bytes = 0;
  for (const PlanEntry& entry : guard.plan()->entries) {
    coded |= entry.spec.name == "group_quant";
    payload_bytes += entry.charged_bytes;
  }
  EXPECT_TRUE(coded);
  EXPECT_LT(payload_bytes, usage.raw_bytes / 6);
  // At its peak a value is on its way between two layers.
  EXPECT_LT(usage.charged_bytes, usage.raw_bytes / 2);
  const auto& a = ours.gradients.front();
  const auto& b = stock.gradients.front();
  EXPECT_GT((a * b).sum().item<double>() / (a.norm() * b.norm()).item<double>(), 0.5);
}

TEST_F(TrainingCuda, NothingWaitsForTheDevice) {
  auto net = make_net();
  BudgetGuard guard(Budget::exact(), on_gpu());
  train(net, 4, &guard);
  c10::cuda::warning_state().set_sync_debug_mode(c10::cuda::SyncDebugMode::L_ERROR);
  const auto x = torch::randn({64, 3, 32, 32}, kCuda);
  // The stream is kept busy for long: whoever waits for it comes back when it is done.
  auto busy = torch::randn({4096, 4096}, kCuda);
  for (int i = 0; i < 200; ++i) busy = busy.mm(busy).tanh();
  c10::Event done(c10::DeviceType::CUDA);
  done.record(c10::cuda::getCurrentCUDAStream());
  EXPECT_NO_THROW(net->loss(x).backward());
  EXPECT_FALSE(done.query()) << "the host waited for the device";
  c10::cuda::warning_state().set_sync_debug_mode(c10::cuda::SyncDebugMode::L_DISABLED);
}

TEST_F(TrainingCuda, ForwardAndBackwardMayBeOnDifferentStreams) {
  auto stock_net = make_net();
  const Step stock = train(stock_net, 4, nullptr);
  auto net = make_net();
  BudgetGuard guard(Budget::exact(), on_gpu());
  train(net, 3, &guard);
  torch::manual_seed(6);
  for (int i = 0; i < 3; ++i) torch::randn({64, 3, 32, 32}, kCuda);
  const auto x = torch::randn({64, 3, 32, 32}, kCuda);
  net->zero_grad();
  at::Tensor loss;
  {
    const c10::cuda::CUDAStreamGuard side(c10::cuda::getStreamFromPool());
    c10::Event ready(c10::DeviceType::CUDA);
    ready.record(c10::cuda::getDefaultCUDAStream());
    ready.block(c10::cuda::getCurrentCUDAStream());
    loss = net->loss(x);
    ready.record(c10::cuda::getCurrentCUDAStream());
    ready.block(c10::cuda::getDefaultCUDAStream());
  }
  loss.backward();
  c10::cuda::device_synchronize();
  const auto parameters = net->parameters();
  for (size_t i = 0; i < parameters.size(); ++i)
    EXPECT_TRUE(torch::equal(parameters[i].grad(), stock.gradients[i])) << "parameter " << i;
}

TEST_F(TrainingCuda, SavesPassThroughWhileAGraphIsCaptured) {
  auto net = make_net();
  BudgetGuard guard(Budget::exact(), on_gpu());
  train(net, 4, &guard);
  const auto x = torch::randn({64, 3, 32, 32}, kCuda);
  const c10::cuda::CUDAStreamGuard side(c10::cuda::getStreamFromPool());
  for (int i = 0; i < 3; ++i) {  // graphs want warmed-up libraries
    net->zero_grad();
    net->loss(x).backward();
  }
  net->zero_grad();
  c10::cuda::device_synchronize();
  at::cuda::CUDAGraph graph;
  graph.capture_begin();
  net->loss(x).backward();
  graph.capture_end();
  graph.replay();
  c10::cuda::device_synchronize();
  EXPECT_TRUE(net->parameters().front().grad().isfinite().all().item<bool>());
}

TEST_F(TrainingCuda, TensorsOfTheCpuPassThrough) {
  BudgetGuard guard(Budget::exact(), on_gpu());
  for (int i = 0; i < 3; ++i) {
    const auto x = torch::randn({128, 128}).requires_grad_();
    (x.exp().to(kCuda) * 2).sum().backward();
    guard.step();
    EXPECT_TRUE(x.grad().defined());
  }
}

}  // namespace
}  // namespace cinch::test
