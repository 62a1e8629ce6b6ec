// Several saves of one storage: one payload, the right values, each save's own sizes and strides, and honest bytes.
#include "tests/hooks/support.h"

namespace cinch::test {
namespace {

constexpr int64_t kBytes = 64 * 64 * 4;  // of the tensors below

class Aliasing : public InEverySetting {};

std::function<void(BudgetGuard&)> expect_raw_bytes(int64_t bytes) {
  return [bytes](BudgetGuard& guard) { EXPECT_EQ(guard.usage().raw_bytes, bytes); };
}

TEST_P(Aliasing, TheSameTensorSavedTwiceIsOnePayload) {
  expect_like_stock(
      GetParam(),
      [](const Trial& run) -> Tensors {
        auto x = leaf({64, 64});
        auto h = x * 0.5;
        auto loss = h.sin().sum() + h.cos().sum() + h.tan().sum() * 0;
        h.reset();
        run.squeeze();
        loss.backward();
        return {x.grad()};
      },
      Bits::kAsSetting,
      [](BudgetGuard& guard) {
        // h, the result of tan, nothing else (scalars aside).
        EXPECT_GE(guard.usage().raw_bytes, 2 * kBytes);
        EXPECT_LT(guard.usage().raw_bytes, 2 * kBytes + 1024);
      });
}

TEST_P(Aliasing, ATensorMultipliedWithItself) {
  expect_like_stock(
      GetParam(),
      [](const Trial& run) -> Tensors {
        auto x = leaf({64, 64});
        auto h = x * 2;
        auto loss = (h * h).sum();
        h.reset();
        run.squeeze();
        loss.backward();
        return {x.grad()};
      },
      Bits::kAsSetting, expect_raw_bytes(kBytes));
}

TEST_P(Aliasing, LogSoftmaxAndItsLossShareTheResult) {
  expect_like_stock(GetParam(), [](const Trial& run) -> Tensors {
    auto x = leaf({64, 64});
    auto loss = at::cross_entropy_loss(x * 2, torch::randint(64, {64}));
    run.squeeze();
    loss.backward();
    return {x.grad()};
  });
}

TEST_P(Aliasing, BaseAndView) {
  expect_like_stock(GetParam(), [](const Trial& run) -> Tensors {
    auto x = leaf({64, 64});
    auto h = x * 0.5;
    auto loss = h.sin().sum() + h.slice(0, 8, 40).cos().sum() + h.select(1, 3).cos().sum();
    h.reset();
    run.squeeze();
    loss.backward();
    return {x.grad()};
  });
}

TEST_P(Aliasing, ASquareAndItsTranspose) {
  expect_like_stock(
      GetParam(),
      [](const Trial& run) -> Tensors {
        auto x = leaf({64, 64});
        auto h = x * 2;
        auto loss = h.mm(h.t()).sum();
        h.reset();
        run.squeeze();
        loss.backward();
        return {x.grad()};
      },
      Bits::kAsSetting, expect_raw_bytes(kBytes));
}

TEST_P(Aliasing, ViewsOfOtherShapes) {
  expect_like_stock(GetParam(), [](const Trial& run) -> Tensors {
    auto x = leaf({4, 16, 64});
    auto h = at::softmax(x * 2, -1);
    auto loss = h.view({64, 64}).mm(torch::randn({64, 8}).requires_grad_()).sum() + h.transpose(1, 2).sin().sum();
    h.reset();
    run.squeeze();
    loss.backward();
    return {x.grad()};
  });
}

// Freed storages and data pointers are used again at once; their payloads must not be taken for one another.
TEST_P(Aliasing, AddressesThatAreUsedAgainAreOtherTensors) {
  expect_like_stock(GetParam(), [](const Trial& run) -> Tensors {
    auto x = leaf({64, 64});
    auto loss = at::zeros({});
    for (int i = 1; i <= 12; ++i) {
      loss = loss + (x * (0.1 * i)).sin().sum();
      if (i % 5 == 0) {
        run.squeeze();
      }
    }
    loss.backward();
    return {x.grad()};
  });
}

TEST_P(Aliasing, AddressesAreUsedAgainAcrossIterationsAndDroppedGraphs) {
  expect_like_stock(GetParam(), [](const Trial& run) -> Tensors {
    auto x = leaf({64, 64});
    for (int i = 0; i < 10; ++i) {
      auto dropped = (x * i).sin();
    }
    auto loss = (x * 0.5).sin().sum();
    run.squeeze();
    loss.backward();
    return {x.grad()};
  });
}

TEST_P(Aliasing, ExpandedTensorsCostTheirStorageOnly) {
  expect_like_stock(
      GetParam(),
      [](const Trial& run) -> Tensors {
        auto row = leaf({1, 512});
        auto x = leaf({256, 512});
        auto loss = ((row * 2).expand({256, 512}) * (x * 2)).sum();
        run.squeeze();
        loss.backward();
        return {row.grad(), x.grad()};
      },
      Bits::kAsSetting, [](BudgetGuard& guard) { EXPECT_LE(guard.usage().raw_bytes, (256 + 1) * 512 * 4); });
}

TEST_P(Aliasing, OverlappingWindows) {
  expect_like_stock(GetParam(), [](const Trial& run) -> Tensors {
    auto x = leaf({4096});
    auto w = leaf({16});
    auto loss = ((x * 0.5).unfold(0, 16, 4) * (w * 0.5)).pow(2).sum();
    run.squeeze();
    loss.backward();
    return {x.grad(), w.grad()};
  });
}

TEST_P(Aliasing, ChunksOfOneStorage) {
  for (const int64_t dim : {0, 2}) {
    expect_like_stock(GetParam(), [dim](const Trial& run) -> Tensors {
      auto x = leaf({6, 32, 48});
      auto all = x * 0.5;
      auto parts = all.chunk(3, dim);
      all.reset();
      auto loss = (parts[0].sin() * parts[1].cos()).sum() + parts[2].sin().sum();
      parts.clear();
      run.squeeze();
      loss.backward();
      return {x.grad()};
    });
  }
}

TEST_P(Aliasing, AChunkThatKeepsABigBase) {
  expect_like_stock(
      GetParam(),
      [](const Trial& run) -> Tensors {
        auto x = leaf({64, 64});
        auto loss = (x * 0.5).slice(0, 0, 16).sin().sum();
        run.squeeze();
        loss.backward();
        return {x.grad()};
      },
      Bits::kAsSetting, expect_raw_bytes(kBytes));
}

TEST_P(Aliasing, AttentionWithOneProjection) {
  expect_like_stock(GetParam(), [](const Trial& run) -> Tensors {
    torch::nn::Linear project(32, 96), out(32, 32);
    run.track(*project);
    auto x = leaf({4, 16, 32});
    auto qkv = project(x).view({4, 16, 3, 4, 8}).permute({2, 0, 3, 1, 4}).unbind(0);
    auto scores = at::softmax(qkv[0].matmul(qkv[1].transpose(-2, -1)) * 0.35, -1);
    auto h = scores.matmul(qkv[2]).transpose(1, 2).reshape({4, 16, 32});
    auto loss = out(h).sin().sum();
    qkv.clear();
    scores.reset();
    h.reset();
    run.squeeze();
    loss.backward();
    return {x.grad(), project->weight.grad(), out->weight.grad()};
  });
}

// What the user holds at the time of the backward costs nothing to keep and must not be coded.
TEST_P(Aliasing, TensorsThatTheUserHoldsStayAsTheyAre) {
  expect_like_stock(
      GetParam(),
      [](const Trial& run) -> Tensors {
        auto x = leaf({64, 64});
        auto held = x * 2;
        auto loss = held.sin().sum();
        run.squeeze();
        loss.backward();
        return {x.grad()};
      },
      Bits::kAlways);
}

TEST_P(Aliasing, MemoryFromElsewhereIsLeftAlone) {
  expect_like_stock(
      GetParam(),
      [](const Trial& run) -> Tensors {
        auto* values = new std::vector<float>(4096, 0.25F);
        auto foreign = torch::from_blob(values->data(), {64, 64}, [values](void*) { delete values; });
        auto w = leaf({64, 64});
        auto loss = foreign.mm(w).sum();
        foreign.reset();
        run.squeeze();
        loss.backward();
        return {w.grad()};
      },
      Bits::kAlways);
}

CINCH_IN_EVERY_SETTING(Aliasing);

}  // namespace
}  // namespace cinch::test
