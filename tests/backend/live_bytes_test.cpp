// Whatever runs, the count of live bytes returns to where it was: nothing is counted that is not given back.
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <functional>
#include <string>

#include "cinch/torch/meter.h"

namespace cinch {
namespace {

struct Workload {
  std::string name;
  std::function<void()> run;
};

void PrintTo(const Workload& workload, std::ostream* out) { *out << workload.name; }

// Modules keep their parameters; a workload owns all of its own.
template <class Module>
void train(Module module, torch::Tensor input) {
  input.requires_grad_();
  module(input).sum().backward();
}

class LiveBytes : public ::testing::TestWithParam<Workload> {};

TEST_P(LiveBytes, ReturnToTheirStart) {
  auto& meter = DeviceMeter::of(c10::kCPU);
  GetParam().run();  // libraries fill their caches
  const int64_t before = meter.current_bytes();
  meter.reset_peak();
  for (int i = 0; i < 3; ++i) {
    GetParam().run();
  }
  EXPECT_GT(meter.peak_bytes(), before) << "nothing was counted";
  EXPECT_EQ(meter.current_bytes(), before);
}

namespace nn = torch::nn;

INSTANTIATE_TEST_SUITE_P(
    Workloads, LiveBytes,
    ::testing::Values(
        Workload{"Convolution",
                 [] {
                   train(nn::Conv2d(nn::Conv2dOptions(8, 16, 3)), torch::randn({4, 8, 20, 20}));
                 }},
        Workload{"ChannelsLastConvolution",
                 [] {
                   train(nn::Conv2d(nn::Conv2dOptions(8, 16, 3)),
                         torch::randn({4, 8, 20, 20}).to(c10::MemoryFormat::ChannelsLast));
                 }},
        Workload{"BatchNorm",
                 [] {
                   train(nn::BatchNorm2d(8), torch::randn({4, 8, 20, 20}));
                 }},
        Workload{"Linear",
                 [] {
                   train(nn::Linear(64, 32), torch::randn({16, 64}));
                 }},
        Workload{"Attention",
                 [] {
                   auto q = torch::randn({2, 4, 32, 16}).requires_grad_();
                   at::scaled_dot_product_attention(q, q, q).sum().backward();
                 }},
        Workload{"Sort", [] { std::get<0>(torch::randn({1000}).requires_grad_().sort()).sum().backward(); }},
        Workload{"Fft", [] { torch::fft::fft(torch::randn({1000}).requires_grad_()).abs().sum().backward(); }},
        Workload{"Sparse",
                 [] {
                   auto sparse = torch::randn({50, 50}).relu().to_sparse();
                   sparse.mm(torch::randn({50, 8}).requires_grad_()).sum().backward();
                 }},
        Workload{"Lstm",
                 [] {
                   nn::LSTM lstm(16, 16);
                   std::get<0>(lstm(torch::randn({10, 4, 16}).requires_grad_())).sum().backward();
                 }},
        Workload{"MaxPoolAndDropout",
                 [] {
                   auto x = torch::randn({4, 8, 20, 20}).requires_grad_();
                   torch::dropout(torch::max_pool2d(x, 2), 0.5, true).sum().backward();
                 }},
        Workload{"Svd",
                 [] {
                   std::get<1>(torch::linalg_svd(torch::randn({30, 20}).requires_grad_())).sum().backward();
                 }},
        Workload{"FailingOp",
                 [] {
                   EXPECT_THROW(torch::randn({3, 4}).requires_grad_().mm(torch::randn({3, 4})), c10::Error);
                 }}),
    [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace cinch
