// Payloads in host memory: every step runs after the one before, however late the copies come, and device memory is
// given up when its copy is over, or to a stream that waits for it.
#include "tests/hooks/offload_support.h"

namespace cinch::hooks {
namespace {

using Device = test::LateDevice;

TEST_F(OffloadTest, WhatComesBackIsWhatWentOnWhateverStreams) {
  Device::current = 1;
  const auto kept = save(5);
  Device::current = 2;
  store->poll();
  EXPECT_FALSE(kept.payload->is_raw());
  EXPECT_EQ(pool().current(), 2 * kMiB);
  EXPECT_EQ(store->charged_ledger().totals().current, 0);
  Device::current = 3;
  const auto values = use(kept);
  EXPECT_FALSE(device.idle(1)) << "the values were there from the start, and the test shows nothing";
  expect(values, 5);
}

TEST_F(OffloadTest, TheHostWaitsForNothing) {
  const auto kept = offloaded(3);
  const auto values = use(kept[2]);
  for (const int64_t stream : {int64_t{0}, Device::kOut, Device::kIn}) EXPECT_FALSE(device.idle(stream));
  expect(values, 2);
}

TEST_F(OffloadTest, MemoryGoesBackOnceItsCopyIsOver) {
  const auto kept = offloaded(2);
  EXPECT_EQ(in_use(), 4 * kMiB) << "the copies have not even begun";
  store->poll();
  EXPECT_EQ(in_use(), 4 * kMiB);
  device.run(Device::kOut);
  store->poll();
  EXPECT_EQ(in_use(), 0);
  expect(use(kept[0]), 0);
}

TEST_F(OffloadTest, RoomIsMadeByAStreamThatWaits) {
  const auto kept = offloaded(4);
  device.meter().set_limit(8 * kMiB);
  EXPECT_TRUE(store->make_room(3 * kMiB));
  EXPECT_EQ(in_use(), 4 * kMiB) << "no more is taken back than was asked for";
  EXPECT_TRUE(store->make_room(8 * kMiB));
  EXPECT_EQ(in_use(), 0);
  EXPECT_FALSE(store->make_room(8 * kMiB)) << "there is nothing left";
  EXPECT_FALSE(device.idle(Device::kOut)) << "the host has waited for the copies";
  for (int i = 3; i >= 0; --i) expect(use(kept[i]), i);
}

// The memory is another stream's than the one that makes room: it must not go back to that one before the copy.
TEST_F(OffloadTest, RoomIsMadeOnOtherStreamsToo) {
  Device::current = 1;
  const auto kept = offloaded(2);
  Device::current = 2;
  device.meter().set_limit(1);
  EXPECT_TRUE(store->make_room(1));
  EXPECT_EQ(in_use(), 0);
  expect(use(kept[0]), 0);
}

TEST_F(OffloadTest, OnlySoMuchIsOnItsWayAtOnce) {
  constexpr int64_t kBytes = 40 * kMiB;
  std::vector<Store::Kept> kept;
  for (int i = 0; i < 5; ++i) {
    kept.push_back(save(i, kBytes));
    store->poll();
    EXPECT_LE(in_use(), Offload::kDepartingBytes);
  }
  EXPECT_EQ(in_use(), 3 * kBytes);
  EXPECT_FALSE(device.idle(Device::kOut));
  for (int i = 4; i >= 0; --i) expect(use(kept[i]), i);
}

// The block's next owner copies into it while the first one's copies are still under way.
TEST_F(OffloadTest, APayloadMayEndBeforeItsCopies) {
  auto kept = offloaded(1);
  kept.clear();
  EXPECT_EQ(pool().current(), 0);
  kept = offloaded(1);
  const auto values = use(kept[0]);
  kept.clear();
  const auto other = save(9);
  store->poll();
  const auto others = use(other);
  EXPECT_EQ(device.pins, 1) << "each got another block, and the test shows nothing";
  expect(values, 0);
  expect(others, 9);
}

TEST_F(OffloadTest, NothingStaysBehind) {
  {
    const auto kept = offloaded(4);
    use(kept[3]);  // and three are on their way back
    EXPECT_GT(in_use(), 4 * kMiB);
  }
  device.run_all();
  store->poll();
  EXPECT_EQ(in_use(), 0);
  EXPECT_EQ(pool().current(), 0);
  EXPECT_EQ(store->raw_ledger().totals().current, 0);
}

TEST_F(OffloadTest, AStoreMayEndWithCopiesUnderWay) {
  offloaded(2);
  store = std::make_shared<Store>(device, sites, 1);
  EXPECT_EQ(in_use(), 0);
  EXPECT_FALSE(device.idle(Device::kOut));
}

TEST_F(OffloadTest, ViewsOfOneStorageGoEachForItself) {
  at::Tensor whole = make(7, 4 * kMiB);
  const auto first = store->save(whole.slice(0, 0, kMiB / 2), want);
  const auto second = store->save(whole.slice(0, kMiB / 2), want);
  whole.reset();
  store->poll();
  EXPECT_EQ(pool().current(), 4 * kMiB);
  const auto a = use(first), b = use(second);
  device.run_all();
  for (const int64_t i : {int64_t{0}, kMiB / 2 - 1}) {
    EXPECT_EQ((*a)[i], value(7, i));
    EXPECT_EQ((*b)[i], value(7, kMiB / 2 + i));
  }
}

TEST_F(OffloadTest, NodesOfCatalogueOpsShareABuffer) {
  const auto kept = offloaded(1);
  Device::current = 1;
  const at::Tensor first = store->unpack(kept[0], want);
  Device::current = 2;
  const at::Tensor second = store->unpack(kept[0], want);
  EXPECT_EQ(first.data_ptr(), second.data_ptr());
  const auto values = read(second);
  Want stranger = want;
  stranger.known_op = false;  // may write into what it saved
  EXPECT_NE(store->unpack(kept[0], stranger).data_ptr(), first.data_ptr());
  expect(values, 0);
}

TEST_F(OffloadTest, ARetainedGraphReadsAsOftenAsItLikes) {
  const auto kept = offloaded(3);
  for (int round = 0; round < 3; ++round)
    for (int i = 2; i >= 0; --i) expect(use(kept[i]), i);
  EXPECT_EQ(device.outs.size(), 3u);
}

}  // namespace
}  // namespace cinch::hooks
