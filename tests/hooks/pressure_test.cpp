// Many threads and many limits: no deadlock, no drift, never a byte above the limit.
#include <ATen/Parallel.h>

#include <atomic>
#include <random>
#include <thread>

#include "tests/hooks/support.h"

namespace cinch::test {
namespace {

DeviceMeter& meter() { return DeviceMeter::of(c10::kCPU); }

// 16 layers of 64 KiB activations, some wanted as masks.
struct Layers {
  std::vector<at::Tensor> weights;
  Layers() {
    torch::manual_seed(11);
    for (int i = 0; i < 16; ++i) {
      weights.push_back((torch::randn({64, 64}) * 0.18).requires_grad_());
    }
  }
  void step() const {
    at::Tensor h = torch::randn({256, 64});
    for (size_t i = 0; i < weights.size(); ++i) {
      h = h.mm(weights[i]);
      h = i % 2 == 0 ? h.relu() : h.tanh();
    }
    h = h.pow(2).mean();
    h.backward();
  }
  void clear() const {
    for (const auto& w : weights) {
      w.mutable_grad().reset();
    }
  }
  void expect_finite() const {
    for (const auto& w : weights) {
      EXPECT_TRUE(w.grad().isfinite().all().item<bool>());
    }
  }
};

int64_t stock_peak(const Layers& layers) {
  layers.step();
  layers.clear();
  meter().reset_peak();
  layers.step();
  layers.clear();
  return meter().peak_bytes();
}

TEST(Pressure, RandomLimitsEitherHoldOrEndInOutOfBudget) {
  const Layers layers;
  const int64_t peak = stock_peak(layers);
  const int64_t base = meter().current_bytes();
  std::mt19937 random(7);
  int completed = 0, refused = 0;
  for (int trial = 0; trial < 100; ++trial) {
    const int64_t limit = base + std::uniform_int_distribution<int64_t>(1, peak - base)(random);
    GuardOptions options;
    options.observe_steps = 100;
    BudgetGuard guard(without_noise_bound(limit), options);
    for (int i = 0; i < 2; ++i) {
      meter().reset_peak();
      try {
        layers.step();
        layers.expect_finite();
        ++completed;
      } catch (const OutOfBudget&) {
        ++refused;
      }
      EXPECT_LE(meter().peak_bytes(), limit);
      layers.clear();
      guard.step();
    }
  }
  EXPECT_EQ(meter().current_bytes(), base);
  EXPECT_GT(completed, 20);
  EXPECT_GT(refused, 5);
}

// Threads without hooks need memory as well; what they ask for is taken from the payloads of the guarded thread.
TEST(Pressure, OtherThreadsMayNeedTheRoom) {
  const Layers layers;
  const int64_t peak = stock_peak(layers);
  const int64_t base = meter().current_bytes();
  const int64_t limit = base + (peak - base) * 3 / 4 + (int64_t{256} << 10);
  {
    BudgetGuard guard(without_noise_bound(limit));
    std::atomic<bool> stop{false};
    std::vector<std::thread> others;
    for (int t = 0; t < 2; ++t) {
      others.emplace_back([&stop, t] {
        for (int i = t; !stop; ++i) {
          try {
            auto x = at::empty({1000 + (i % 16) * 1000});
            x.fill_(1);
          } catch (const OutOfBudget&) {
          }
        }
      });
    }
    int completed = 0;
    meter().reset_peak();
    for (int i = 0; i < 60; ++i) {
      try {
        layers.step();
        layers.expect_finite();
        ++completed;
      } catch (const OutOfBudget&) {
        // The others may hold the last bytes just now.
      }
      EXPECT_LE(meter().peak_bytes(), limit);
      layers.clear();
      guard.step();
    }
    stop = true;
    for (auto& thread : others) {
      thread.join();
    }
    EXPECT_GT(completed, 0);
  }
  EXPECT_EQ(meter().current_bytes(), base);
}

TEST(Pressure, WorkersOfAParallelLoopMayNeedTheRoom) {
  const Layers layers;
  const int64_t peak = stock_peak(layers);
  const int64_t base = meter().current_bytes();
  const int64_t limit = base + (peak - base) / 2;
  {
    BudgetGuard guard(without_noise_bound(limit));
    std::atomic<int> granted{0};
    for (int i = 0; i < 20; ++i) {
      at::Tensor h = torch::randn({256, 64});
      for (const auto& w : layers.weights) {
        h = h.mm(w).tanh();
      }
      auto loss = h.sum();
      h.reset();
      meter().reset_peak();
      at::parallel_for(0, 200, 1, [&](int64_t begin, int64_t end) {
        for (int64_t k = begin; k < end; ++k) {
          try {
            at::empty({20000 + 100 * k});
            ++granted;
          } catch (const OutOfBudget&) {
          }
        }
      });
      EXPECT_LE(meter().peak_bytes(), limit);
      try {
        loss.backward();
      } catch (const OutOfBudget&) {
      }
      loss.reset();
      layers.clear();
      guard.step();
    }
    EXPECT_GT(granted.load(), 0);
  }
  EXPECT_EQ(meter().current_bytes(), base);
}

// Forward and backward of one graph while another thread squeezes its payloads; every second step is observed, so that
// records end while the other thread still tells of what it did.
TEST(Pressure, PayloadsMayBeCodedFurtherWhileTheyAreRead) {
  const Layers layers;
  stock_peak(layers);
  const int64_t base = meter().current_bytes();
  const int64_t limit = base + (int64_t{64} << 20);
  {
    GuardOptions options;
    options.replan_interval = 1;
    BudgetGuard guard(without_noise_bound(limit), options);
    std::atomic<bool> stop{false};
    std::jthread squeezer([&] {
      while (!stop) {
        try {
          at::empty({limit - base}, at::kByte);
        } catch (const OutOfBudget&) {
        }
      }
    });
    for (int i = 0; i < 200; ++i) {
      // The squeezer may hold the whole limit for an instant, before it has anything to refuse; a profile that shows
      // it leaves no room for a plan.
      try {
        layers.step();
        layers.expect_finite();
      } catch (const OutOfBudget&) {
      }
      layers.clear();
      try {
        guard.step();
      } catch (const BudgetError&) {
      }
    }
    stop = true;
  }
  EXPECT_EQ(meter().current_bytes(), base);
}

}  // namespace
}  // namespace cinch::test
