// Payloads that are brought back before they are asked for: in reverse order of saving, never over the limit, and
// giving way when memory is wanted.
#include <thread>

#include "hooks/observe/recorder.h"
#include "tests/hooks/offload_support.h"

namespace cinch::hooks {
namespace {

using Device = test::LateDevice;

struct OffloadEarly : OffloadTest {
  // Offloaded, and gone from the device.
  std::vector<Store::Kept> gone(int count, int64_t bytes = 2 * kMiB) {
    auto kept = offloaded(count, bytes);
    device.run_all();
    store->poll();
    EXPECT_EQ(in_use(), 0);
    return kept;
  }
};

TEST_F(OffloadEarly, TheLatestComesFirst) {
  const auto kept = gone(5);
  std::vector<Values> values(5);
  std::vector<at::Tensor> tensors;
  for (int i = 4; i >= 0; --i) {
    tensors.push_back(store->unpack(kept[i], want));
    EXPECT_EQ(device.ins.size(), 5u) << "all fit, so all were begun with the first";
    EXPECT_EQ(tensors.back().storage().data(), device.ins[4 - i]) << "payload " << i;
    values[i] = read(tensors.back());
  }
  for (int i = 0; i < 5; ++i) expect(values[i], i);
}

TEST_F(OffloadEarly, OnlySoMuchAtOnce) {
  constexpr int64_t kBytes = 24 * kMiB;
  const auto kept = gone(5, kBytes);
  auto values = use(kept[4]);
  EXPECT_EQ(device.ins.size(), 3u) << "the one asked for and two of 64 MiB";
  expect(values, 4);
  values = use(kept[3]);
  EXPECT_EQ(device.ins.size(), 4u);
  expect(values, 3);
}

TEST_F(OffloadEarly, TheNextMayBeOfAnySize) {
  const auto kept = gone(3, Offload::kEarlyBytes + 4 * kMiB);
  use(kept[2]);
  EXPECT_EQ(device.ins.size(), 2u);
}

TEST_F(OffloadEarly, TheLimitIsKept) {
  const auto kept = gone(6);
  device.meter().set_limit(7 * kMiB);
  device.meter().reset_peak();
  for (int i = 5; i >= 0; --i) expect(use(kept[i]), i);
  EXPECT_GE(device.meter().peak(), 6 * kMiB) << "nothing was brought back early";
  EXPECT_LE(device.meter().peak(), 7 * kMiB);
}

TEST_F(OffloadEarly, TheReserveIsLeftFree) {
  const auto kept = gone(3);
  device.meter().set_limit(4 * kMiB);
  device.meter().set_reserve(kMiB);
  use(kept[2]);
  EXPECT_EQ(device.ins.size(), 1u);
}

TEST_F(OffloadEarly, GivesWay) {
  const auto kept = gone(4);
  const at::Tensor last = store->unpack(kept[3], want);
  EXPECT_EQ(in_use(), 8 * kMiB);
  device.meter().set_limit(8 * kMiB);
  EXPECT_TRUE(store->make_room(3 * kMiB));
  EXPECT_EQ(in_use(), 4 * kMiB) << "two of three had to go";
  const at::Tensor next = store->unpack(kept[2], want);
  EXPECT_EQ(device.ins.size(), 6u) << "that one had stayed, and now there is room for both before it";
  EXPECT_EQ(next.storage().data(), device.ins[1]);
  expect(read(next), 2);
  expect(use(kept[0]), 0);
}

TEST_F(OffloadEarly, WhatWasHadIsNotBroughtAgain) {
  const auto kept = gone(4);
  for (const int i : {1, 0, 3, 2}) expect(use(kept[i]), i);  // another order than that of saving
  EXPECT_EQ(device.ins.size(), 4u);
  for (const int i : {3, 2, 1, 0}) expect(use(kept[i]), i);  // the graph was retained
  EXPECT_EQ(device.ins.size(), 8u);
}

TEST_F(OffloadEarly, TheNextIterationBeginsWithoutIt) {
  const auto kept = gone(3);
  use(kept[2]);
  EXPECT_EQ(in_use(), 4 * kMiB);
  store->begin_iteration(2, 0);
  EXPECT_EQ(in_use(), 0);
  expect(use(kept[1]), 1);
}

TEST_F(OffloadEarly, WhileWatchedNothingIsUnderWay) {
  auto before = gone(2);
  use(before[1]);
  EXPECT_EQ(in_use(), 2 * kMiB);
  auto recorder = std::make_shared<Recorder>(store, sites);
  store->set_listener(recorder);
  EXPECT_EQ(in_use(), 0);
  const auto kept = offloaded(3);
  EXPECT_EQ(in_use(), 0);
  for (int i = 2; i >= 0; --i) {
    const auto values = use(kept[i]);
    EXPECT_EQ(in_use(), 0);
    expect(values, i);
  }
  store->set_listener(nullptr);
}

TEST_F(OffloadEarly, SeveralThreadsMayAsk) {
  const auto kept = gone(6);
  device.meter().set_limit(20 * kMiB);
  std::vector<std::vector<Values>> values(4);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      Device::current = t;
      for (int round = 0; round < 5; ++round)
        for (int i = 5; i >= 0; --i) {
          values[t].push_back(use(kept[i]));
          if (i == t) store->make_room(18 * kMiB);
        }
    });
  for (auto& thread : threads) thread.join();
  device.run_all();
  for (const auto& mine : values)
    for (size_t n = 0; n < mine.size(); ++n) expect(mine[n], 5 - static_cast<int64_t>(n) % 6);
}

// Saves, reads and ends at the same time, on streams of their own.
TEST_F(OffloadEarly, SeveralThreadsMayTrain) {
  std::vector<std::vector<std::pair<int64_t, Values>>> values(3);
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t)
    threads.emplace_back([&, t] {
      Device::current = t;
      for (int step = 0; step < 4; ++step) {
        std::vector<Store::Kept> kept;
        for (int i = 0; i < 4; ++i) kept.push_back(save(100 * t + i));
        store->poll();
        while (!kept.empty()) {
          values[t].emplace_back(100 * t + static_cast<int64_t>(kept.size()) - 1, use(kept.back()));
          kept.pop_back();
        }
      }
    });
  for (auto& thread : threads) thread.join();
  for (const auto& mine : values)
    for (const auto& [seed, read] : mine) expect(read, seed);
  EXPECT_EQ(pool().current(), 0);
}

}  // namespace
}  // namespace cinch::hooks
