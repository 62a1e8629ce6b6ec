// What tests of the hooks on a GPU share. Without a GPU they are skipped, with the reason, and counted.
#pragma once

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <vector>

#include "cinch/torch/guard.h"
#include "cinch/torch/meter.h"
#include "src/backend/cuda/runtime.h"

namespace cinch::test {

const c10::Device kCuda(c10::kCUDA, 0);

class OnGpu : public ::testing::Test {
 protected:
  void SetUp() override {
    if (backend::cuda_device_count() == 0) GTEST_SKIP() << backend::cuda_problem();
    DeviceMeter::of(kCuda);
    at::globalContext().setDeterministicCuDNN(true);
    at::globalContext().setBenchmarkCuDNN(false);
  }
};

// A small network with most kinds of saves: values, masks, shapes, statistics, indices.
struct SmallNetImpl : torch::nn::Module {
  torch::nn::Sequential net{torch::nn::Conv2d(torch::nn::Conv2dOptions(3, 32, 3).padding(1).bias(false)),
                            torch::nn::BatchNorm2d(32),
                            torch::nn::ReLU(torch::nn::ReLUOptions(true)),
                            torch::nn::MaxPool2d(2),
                            torch::nn::Conv2d(torch::nn::Conv2dOptions(32, 64, 3).padding(1).bias(false)),
                            torch::nn::BatchNorm2d(64),
                            torch::nn::GELU(),
                            torch::nn::AdaptiveAvgPool2d(4),
                            torch::nn::Flatten(),
                            torch::nn::Linear(64 * 16, 10)};
  SmallNetImpl() { register_module("net", net); }
  at::Tensor loss(const at::Tensor& x) { return torch::log_softmax(net->forward(x), 1).pow(2).mean(); }
};
TORCH_MODULE(SmallNet);

struct Step {
  double loss = 0;
  std::vector<at::Tensor> gradients;
};

// `steps` iterations of SGD from one seed, under `guard` where there is one; what the last one gave.
Step train(SmallNet& net, int64_t steps, BudgetGuard* guard, int64_t batch = 64);
SmallNet make_net();
// Whether values may be coded on CUDA at all: some row of the catalogue has been verified there.
bool catalogue_holds_on_cuda();

}  // namespace cinch::test
