// Which threads are hooked, and what may happen on others.
#include <ATen/ThreadLocalState.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "tests/hooks/support.h"

namespace cinch::test {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

class Threads : public InEverySetting {};

at::Tensor network(const at::Tensor& x) { return (x * 2).sin().relu().mm(x).sigmoid().sum(); }

TEST_P(Threads, OtherThreadsAreLeftAlone) {
  expect_like_stock(
      GetParam(),
      [](const Trial&) -> Tensors {
        auto x = leaf({64, 64});
        std::thread([&] { network(x).backward(); }).join();
        return {x.grad()};
      },
      Bits::kAlways, [](BudgetGuard& guard) { EXPECT_EQ(guard.usage().raw_bytes, 0); });
}

TEST_P(Threads, TheBackwardMayRunOnAnotherThread) {
  expect_like_stock(GetParam(), [](const Trial& run) -> Tensors {
    auto x = leaf({64, 64});
    auto loss = network(x);
    run.squeeze();
    std::thread([&] { loss.backward(); }).join();
    return {x.grad()};
  });
}

TEST_P(Threads, OneGraphMayBeUsedByFourThreadsAtOnce) {
  expect_like_stock(GetParam(), [](const Trial& run) -> Tensors {
    auto x = leaf({64, 64});
    auto loss = network(x);
    run.squeeze();
    Tensors grads(4);
    std::vector<std::thread> threads;
    for (auto& grad : grads) {
      threads.emplace_back([&] {
        for (int i = 0; i < 10; ++i) {
          grad = torch::autograd::grad({loss}, {x}, {}, true)[0];
        }
      });
    }
    for (auto& thread : threads) {
      thread.join();
    }
    for (const auto& grad : grads) {
      if (run.guard == nullptr || is_lossless(run.setting)) {
        expect_same_bits(grad, grads[0], "gradient of another thread");
      }
    }
    return grads;
  });
}

// Four threads train beside the guarded one; the guard sees its own saves only.
TEST_P(Threads, CountsAreExactBesideOtherThreads) {
  const auto guarded = [](const Trial& run) -> Tensors {
    auto x = leaf({64, 64});
    auto loss = network(x);
    run.squeeze();
    loss.backward();
    return {x.grad()};
  };
  int64_t alone = 0, beside = 0;
  run_guarded(GetParam(), guarded, [&](BudgetGuard& guard) { alone = guard.usage().raw_bytes; });
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      while (!stop) {
        auto x = leaf({64, 64});
        network(x).backward();
      }
    });
  }
  run_guarded(GetParam(), guarded, [&](BudgetGuard& guard) { beside = guard.usage().raw_bytes; });
  stop = true;
  for (auto& thread : threads) {
    thread.join();
  }
  EXPECT_GT(alone, 0);
  EXPECT_EQ(beside, alone);
}

// Torch hands its thread-local state to the threads that it starts; hooks and op names must go together.
TEST_P(Threads, ThreadsThatTorchStartsAreHooked) {
  expect_like_stock(
      GetParam(),
      [](const Trial& run) -> Tensors {
        auto x = leaf({64, 64});
        at::Tensor loss;
        const at::ThreadLocalState state;
        std::thread([&] {
          const at::ThreadLocalStateGuard inherit(state);
          loss = network(x);
        }).join();
        run.squeeze();
        loss.backward();
        return {x.grad()};
      },
      Bits::kAsSetting, [](BudgetGuard& guard) { EXPECT_GT(guard.usage().raw_bytes, 0); });
}

TEST_P(Threads, UsageMayBeReadFromAnyThread) {
  std::atomic<bool> stop{false};
  BudgetGuard guard(budget_of(GetParam()), options_of(GetParam()));
  std::thread reader([&] {
    while (!stop) {
      const auto usage = guard.usage();
      EXPECT_GE(usage.raw_bytes, 0);
    }
  });
  for (int i = 0; i < 6; ++i) {
    auto x = leaf({64, 64});
    network(x).backward();
    guard.step();
  }
  stop = true;
  reader.join();
  EXPECT_EQ(guard.usage().steps, 6);
}

// Its backward runs another backward, inside of which is the next one.
struct Nested : torch::autograd::Function<Nested> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x) {
    context->save_for_backward({x});
    return x.sin();
  }
  static variable_list backward(AutogradContext* context, const variable_list& grads) {
    const at::AutoGradMode with_grad(true);
    auto x = context->get_saved_variables()[0].detach().requires_grad_();
    auto y = (x * 1).sin().sum();
    return {grads[0] * torch::autograd::grad({y}, {x})[0]};
  }
};

TEST_P(Threads, EightyReentrantBackwards) {
  expect_like_stock(GetParam(), [](const Trial& run) -> Tensors {
    auto x = leaf({40, 40});
    auto h = x * 1;
    for (int i = 0; i < 80; ++i) {
      h = Nested::apply(h);
    }
    auto loss = h.sum();
    h.reset();
    run.squeeze();
    loss.backward();
    return {x.grad()};
  });
}

struct Deeper : torch::autograd::Function<Deeper> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, int64_t depth) {
    context->save_for_backward({x});
    context->saved_data["depth"] = depth;
    return x.sin();
  }
  static variable_list backward(AutogradContext* context, const variable_list& grads) {
    const at::AutoGradMode with_grad(true);
    auto x = context->get_saved_variables()[0].detach().requires_grad_();
    const int64_t depth = context->saved_data["depth"].toInt();
    auto y = depth > 0 ? Deeper::apply(x * 1, depth - 1).sum() : (x * 1).sin().sum();
    return {grads[0] * torch::autograd::grad({y}, {x})[0], at::Tensor()};
  }
};

TEST_P(Threads, EightyBackwardsInsideEachOther) {
  expect_like_stock(GetParam(), [](const Trial& run) -> Tensors {
    auto x = leaf({40, 40});
    auto loss = Deeper::apply(x * 1, 80).sum();
    run.squeeze();
    loss.backward();
    return {x.grad()};
  });
}

// A worker process made by fork while the guard works (as data loaders do), on one thread. Stock itself refuses where
// torch has started threads of its own before; then so must we.
TEST_P(Threads, AForkedChildMayTrainOn) {
  expect_like_stock(GetParam(), [](const Trial& run) -> Tensors {
    auto x = leaf({32, 40});
    auto before = (x * 0.5).sin().relu().sum();
    run.squeeze();
    const pid_t child = fork();
    if (child == 0) {
      // Small enough for one thread: OpenMP's pool does not survive a fork.
      int status = 0;
      try {
        before.backward();
        auto y = leaf({32, 40});
        (y * 2).sin().relu().sum().backward();
        status = y.grad().defined() && x.grad().defined() ? 0 : 1;
      } catch (const std::exception& error) {
        status = std::string(error.what()).find("fork-based multiprocessing") != std::string::npos ? 2 : 3;
      }
      _exit(status);
    }
    int status = -1;
    waitpid(child, &status, 0);
    EXPECT_TRUE(WIFEXITED(status));
    EXPECT_TRUE(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 2) << WEXITSTATUS(status);
    before.backward();
    return {x.grad(), at::tensor(int64_t{WEXITSTATUS(status)})};
  });
}

TEST(ThreadsOnce, AGuardMadeOnAnotherThreadHooksThatThread) {
  std::thread([] {
    BudgetGuard guard(Budget::exact());
    auto x = leaf({64, 64});
    network(x).backward();
    guard.step();
    EXPECT_GT(guard.usage().raw_bytes, 0);
    EXPECT_THROW(BudgetGuard(Budget::exact()), Error) << "two on one device";
  }).join();
  BudgetGuard again(Budget::exact());
}

TEST(ThreadsOnce, DataLoaderWorkersOfPython) { GTEST_SKIP() << "worker processes of Python are tested from Python"; }

CINCH_IN_EVERY_SETTING(Threads);

}  // namespace
}  // namespace cinch::test
