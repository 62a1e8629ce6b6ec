#include "bench/hook_suite.h"

#include <torch/torch.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <limits>
#include <utility>

#include "cinch/torch/guard.h"
#include "cinch/torch/meter.h"

namespace cinch::bench {
namespace {

namespace nn = torch::nn;

// Long enough to time, short enough to fit between two disturbances of the machine.
constexpr int kChain = 1000;

struct Times {
  double forward = std::numeric_limits<double>::infinity();
  double backward = std::numeric_limits<double>::infinity();

  void keep_least(const Times& other) {
    forward = std::min(forward, other.forward);
    backward = std::min(backward, other.backward);
  }
};

using Op = at::Tensor (*)(const at::Tensor&);

struct Chain {
  std::string name;
  Op op;
  int64_t numel;
};

Times run_chain(const Chain& chain) {
  using Clock = std::chrono::steady_clock;
  auto x = torch::full({chain.numel}, 0.5).requires_grad_();
  const auto start = Clock::now();
  at::Tensor h = x;
  for (int i = 0; i < kChain; ++i) {
    h = chain.op(h);
  }
  const auto middle = Clock::now();
  const auto seed = at::ones_like(h);
  const auto resumed = Clock::now();
  h.backward(seed);
  const auto end = Clock::now();
  const auto per_op = [](auto duration) { return std::chrono::duration<double, std::nano>(duration).count() / kChain; };
  return {per_op(middle - start), per_op(end - resumed)};
}

// One guarded run per phase, in a guard that has seen the chain often enough.
void run_guarded_chain(const Chain& chain, Times& observing, Times& running) {
  BudgetGuard guard(Budget::exact());
  observing.keep_least(run_chain(chain));
  guard.step();
  run_chain(chain);
  guard.step();
  run_chain(chain);
  guard.step();
  TORCH_CHECK(guard.phase() == Phase::kRun, "the guard should have planned by now");
  running.keep_least(run_chain(chain));
}

void time_chain(const Chain& chain, int rounds, std::vector<HookRow>& rows) {
  Times stock, observing, running;
  run_chain(chain);
  for (int round = 0; round < rounds; ++round) {
    stock.keep_least(run_chain(chain));
    run_guarded_chain(chain, observing, running);
  }
  const auto add = [&](const std::string& name, double guarded, double reference) {
    rows.push_back({name, guarded, reference, {}, {}});
  };
  add("forward/" + chain.name, running.forward, stock.forward);
  add("backward/" + chain.name, running.backward, stock.backward);
  add("observe_forward/" + chain.name, observing.forward, stock.forward);
  add("observe_backward/" + chain.name, observing.backward, stock.backward);
}

struct Workload {
  std::string name;
  std::function<void()> run;
};

std::function<void()> train(nn::Sequential module, std::vector<int64_t> sizes) {
  return [module, sizes = std::move(sizes)]() mutable {
    module->forward(torch::randn(sizes).requires_grad_()).sum().backward();
    module->zero_grad();
  };
}

at::Tensor input(std::vector<int64_t> sizes) { return torch::randn(sizes).requires_grad_(); }

std::vector<Workload> workloads() {
  return {
      {"convolution", train(nn::Sequential(nn::Conv2d(nn::Conv2dOptions(8, 16, 3)), nn::ReLU(),
                                           nn::Conv2d(nn::Conv2dOptions(16, 8, 3))),
                            {8, 8, 24, 24})},
      {"batch_norm", train(nn::Sequential(nn::BatchNorm2d(8), nn::ReLU(), nn::BatchNorm2d(8)), {8, 8, 24, 24})},
      {"linear", train(nn::Sequential(nn::Linear(64, 128), nn::GELU(), nn::Linear(128, 64)), {64, 64})},
      {"pool_and_dropout", train(nn::Sequential(nn::MaxPool2d(2), nn::Dropout(0.5), nn::AvgPool2d(2)), {8, 8, 24, 24})},
      {"attention",
       [] {
         auto q = input({2, 4, 64, 32});
         at::scaled_dot_product_attention(q * 2, q * 3, q).sum().backward();
       }},
      {"lstm",
       [] {
         nn::LSTM lstm(32, 32);
         std::get<0>(lstm(input({20, 8, 32}))).sum().backward();
       }},
      {"sort",
       [] {
         std::get<0>((input({64, 256}) * 2).sort(1)).sin().sum().backward();
       }},
      {"fft",
       [] {
         torch::fft::fft(input({64, 256}) * 2).abs().sum().backward();
       }},
      {"sparse",
       [] {
         auto sparse = torch::randn({64, 64}).relu().to_sparse();
         sparse.mm((input({64, 64}) * 2).sin()).sum().backward();
       }},
      {"embedding_and_loss",
       [] {
         auto table = input({100, 64});
         auto hidden = at::embedding(table, torch::randint(100, {256})).relu();
         at::cross_entropy_loss(hidden, torch::randint(64, {256})).backward();
       }},
  };
}

// Counted round a whole guard: observing, running, and its end.
HookRow live_bytes(const Workload& workload) {
  auto& meter = DeviceMeter::of(c10::kCPU);
  workload.run();  // libraries fill their caches
  const int64_t before = meter.current_bytes();
  {
    BudgetGuard guard(Budget::exact());
    for (int i = 0; i < 5; ++i) {
      workload.run();
      guard.step();
    }
  }
  return {"live_bytes/" + workload.name, {}, {}, before, meter.current_bytes()};
}

}  // namespace

std::vector<HookRow> run_hook(int rounds) {
  DeviceMeter::of(c10::kCPU);
  const std::vector<Chain> chains = {
      // Traced, saves nothing.
      {"traced_op", [](const at::Tensor& x) { return at::neg(x); }, 4},
      // Traced, and one save that is too small to be worth a payload.
      {"pass_through_save", [](const at::Tensor& x) { return at::sigmoid(x); }, 4},
      // One save that becomes a payload and is kept raw.
      {"payload_save", [](const at::Tensor& x) { return at::sigmoid(x); }, 2048},
  };
  std::vector<HookRow> rows;
  for (const Chain& chain : chains) {
    time_chain(chain, rounds, rows);
  }
  for (const Workload& workload : workloads()) {
    rows.push_back(live_bytes(workload));
  }
  return rows;
}

}  // namespace cinch::bench
