// What is not offloaded, and what fails: the tensor stays as it is, and someone is told.
#include "tests/hooks/offload_support.h"

namespace cinch::hooks {
namespace {

TEST_F(OffloadTest, SmallTensorsStay) {
  const auto small = save(1, kMiB), large = save(2, kMiB + 4);
  store->poll();
  EXPECT_TRUE(small.payload->is_raw());
  EXPECT_FALSE(large.payload->is_raw());
  expect(use(small), 1);
  expect(use(large), 2);
}

TEST_F(OffloadTest, BeyondTheBoundTensorsStay) {
  pool().set_bound(5 * kMiB);
  std::vector<Store::Kept> kept;
  for (int i = 0; i < 4; ++i) kept.push_back(save(i));
  store->poll();
  EXPECT_EQ(pool().pinned(), 4 * kMiB);
  EXPECT_FALSE(kept[1].payload->is_raw());
  EXPECT_TRUE(kept[2].payload->is_raw());
  EXPECT_EQ(store->counters().fallbacks, 2);
  for (int i = 3; i >= 0; --i) expect(use(kept[i]), i);
}

TEST_F(OffloadTest, WithoutABoundOrPinnedMemoryTensorsStay) {
  pool().set_bound(0);
  const auto kept = save(1);
  store->poll();
  EXPECT_TRUE(kept.payload->is_raw());
  pool().set_bound(64 * kMiB);
  device.pins_fail = true;
  const auto other = save(2);
  store->poll();
  EXPECT_TRUE(other.payload->is_raw());
  EXPECT_EQ(pool().current(), 0);
}

TEST_F(OffloadTest, NothingIsOffloadedIntoACapturedGraph) {
  device.captures = true;
  const auto kept = save(1);
  EXPECT_NO_THROW(store->poll());
  EXPECT_TRUE(kept.payload->is_raw());
  const at::Tensor x = make(2, 2 * kMiB);
  EXPECT_EQ(store->offload()->start({x.storage(), 0, x.numel(), c10::kFloat, 0}), nullptr);
  EXPECT_EQ(pool().current(), 0);
  device.captures = false;
  expect(use(kept), 1);
}

TEST_F(OffloadTest, WhatWasOffloadedBeforeACaptureIsRefusedInIt) {
  const auto kept = offloaded(2);
  device.captures = true;
  EXPECT_NO_THROW(store->poll()) << "events may not be asked now";
  EXPECT_FALSE(store->make_room(1));
  try {
    store->unpack(kept[1], want);
    ADD_FAILURE() << "no error";
  } catch (const c10::Error& error) {
    EXPECT_NE(std::string(error.what()).find("before the capture of this CUDA graph"), std::string::npos);
  }
  device.captures = false;
  expect(use(kept[1]), 1);
}

TEST_F(OffloadTest, ACopyThatFailsLeavesTheTensor) {
  device.copies_fail = true;
  const auto kept = save(1);
  store->poll();
  EXPECT_TRUE(kept.payload->is_raw());
  EXPECT_EQ(store->take_fallback_reason(), "the copy failed");
  EXPECT_EQ(pool().current(), 0);
  expect(use(kept), 1);
}

TEST_F(OffloadTest, ACopyBackThatFailsIsAnErrorAndTheNextTryWorks) {
  const auto kept = offloaded(2);
  device.run_all();
  store->poll();
  device.copies_fail = true;
  EXPECT_THROW(store->unpack(kept[1], want), std::runtime_error);
  device.copies_fail = false;
  EXPECT_EQ(in_use(), 0) << "its buffer was lost";
  expect(use(kept[1]), 1);
  expect(use(kept[0]), 0);
}

TEST_F(OffloadTest, TheReclaimerOffloadsBeforeItAddsNoise) {
  store->set_policy(nullptr);
  pool().set_bound(5 * kMiB);
  std::vector<Store::Kept> kept;
  for (int i = 0; i < 4; ++i) kept.push_back(save(i));
  device.run_all();  // codecs run at once, and need their input
  device.meter().set_limit(8 * kMiB);
  store->set_reclaim(
      true, 1e9, [](const std::string&) { return true; }, nullptr);
  const int64_t reserve = device.meter().reserve();
  EXPECT_TRUE(store->make_room(2 * kMiB - reserve)) << "one payload has to go";
  EXPECT_FALSE(kept[0].payload->is_raw());
  EXPECT_TRUE(kept[1].payload->is_raw()) << "no more than one";
  EXPECT_TRUE(store->make_room(6 * kMiB));
  EXPECT_EQ(pool().current(), 4 * kMiB) << "what the pool holds";
  EXPECT_GT(store->spent_variance(), 0) << "only then noise";
  EXPECT_EQ(kept[1].payload->values_codec(), nullptr);
  EXPECT_NE(kept[3].payload->values_codec(), nullptr);
  expect(use(kept[1]), 1);
  expect(use(kept[0]), 0);
}

TEST_F(OffloadTest, TheReclaimerOffloadsOnlyWhereItMay) {
  store->set_policy(nullptr);
  const auto kept = save(1);
  device.meter().set_limit(2 * kMiB);
  store->set_reclaim(
      true, 0, [](const std::string& method) { return method != "offload"; }, nullptr);
  EXPECT_FALSE(store->make_room(kMiB));
  EXPECT_TRUE(kept.payload->is_raw());
}

// Its neighbour cannot be coded, so neither goes: the storage would stay alive.
TEST_F(OffloadTest, AStorageGoesAsAWholeOrNotAtAll) {
  at::Tensor whole = make(3, 3 * kMiB);
  const auto large = store->save(whole.slice(0, 0, kMiB / 2), want);
  const auto small = store->save(whole.slice(0, kMiB / 2), want);
  whole.reset();
  store->poll();
  EXPECT_TRUE(large.payload->is_raw());
  EXPECT_TRUE(small.payload->is_raw());
  EXPECT_EQ(pool().current(), 0);
  expect(use(large), 3);
}

TEST_F(OffloadTest, AShapeNeedsNoCopy) {
  const auto kept = offloaded(1);
  Want shape = want;
  shape.need = Need::kShape;
  EXPECT_EQ(store->unpack(kept[0], shape).numel(), kMiB / 2);
  EXPECT_TRUE(device.ins.empty());
}

}  // namespace
}  // namespace cinch::hooks
