// A network with one of each: convolution, batch norm, layer norm, GELU, linear layers, cross entropy.
#pragma once

#include <torch/torch.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace cinch::test {

struct Net {
  Net() {
    torch::manual_seed(3);
    first = torch::nn::Conv2d(torch::nn::Conv2dOptions(3, 16, 3).padding(1));
    norm = torch::nn::BatchNorm2d(16);
    second = torch::nn::Conv2d(torch::nn::Conv2dOptions(16, 16, 3).padding(1));
    normal = torch::nn::LayerNorm(torch::nn::LayerNormOptions({256}));
    wide = torch::nn::Linear(256, 64);
    last = torch::nn::Linear(64, 10);
    for (auto& [name, module] :
         std::vector<std::pair<std::string, std::shared_ptr<torch::nn::Module>>>{{"first", first.ptr()},
                                                                                 {"norm", norm.ptr()},
                                                                                 {"second", second.ptr()},
                                                                                 {"normal", normal.ptr()},
                                                                                 {"wide", wide.ptr()},
                                                                                 {"last", last.ptr()}})
      all->register_module(name, module);
  }
  at::Tensor loss(const at::Tensor& x, const at::Tensor& target) {
    auto h = torch::relu(norm(first(x * 1.0)));
    h = torch::avg_pool2d(torch::gelu(second(h)), 4).flatten(1);
    h = torch::gelu(wide(normal(h)));
    return torch::nn::functional::cross_entropy(last(h), target);
  }
  at::Tensor gradient(const at::Tensor& x, const at::Tensor& target) {
    for (auto& p : all->parameters()) p.mutable_grad() = at::Tensor();
    loss(x, target).backward();
    std::vector<at::Tensor> parts;
    for (const auto& p : all->parameters()) parts.push_back(p.grad().flatten().to(torch::kFloat64));
    return torch::cat(parts);
  }
  struct All : torch::nn::Module {};
  std::shared_ptr<All> all = std::make_shared<All>();
  torch::nn::Conv2d first{nullptr}, second{nullptr};
  torch::nn::BatchNorm2d norm{nullptr};
  torch::nn::LayerNorm normal{nullptr};
  torch::nn::Linear wide{nullptr}, last{nullptr};
};

struct Batch {
  at::Tensor x = torch::randn({32, 3, 16, 16}), target = torch::randint(10, {32});
};

constexpr int kSteps = 24;

inline double squared(const at::Tensor& x) { return x.dot(x).item<double>(); }

}  // namespace cinch::test
