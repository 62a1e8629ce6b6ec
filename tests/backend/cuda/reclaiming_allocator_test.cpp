// The wrapper of torch's CUDA allocator over a fake one with the same interface.
#include "src/backend/torch/cuda/reclaiming_allocator.h"

#include <gtest/gtest.h>

#include <thread>

#include "cinch/torch/out_of_budget.h"
#include "tests/backend/cuda/fake_upstream.h"

namespace cinch::backend {
namespace {

struct FakeState final : CudaState {
  c10::DeviceIndex current_device() const override { return device; }
  bool capturing() const override { return captured; }
  c10::DeviceIndex device = 0;
  bool captured = false;
};

// Gives up blocks it was given, one a call.
struct Holder final : OverrunHandler {
  bool make_room(int64_t request_bytes) override {
    ++calls;
    last_request = request_bytes;
    if (before) before();
    if (held.empty()) return false;
    held.pop_back();
    return true;
  }
  bool overrun(int64_t, MemoryBreakdown& breakdown) override {
    breakdown.payloads_bytes = 77;
    return grant;
  }
  std::vector<c10::DataPtr> held;
  std::function<void()> before;
  int calls = 0;
  int64_t last_request = 0;
  bool grant = false;
};

struct ReclaimingAllocatorTest : testing::Test {
  FakeState state;
  FakeUpstream upstream{&state.device};
  ReclaimingAllocator allocator{&upstream, &state, 2};
  Holder holder;

  ReclaimingAllocatorTest() { allocator.handler(0).set(&holder); }
  ~ReclaimingAllocatorTest() override {
    allocator.handler(0).set(nullptr);
    holder.held.clear();
    allocator.keep_back(0, 0);
    allocator.set_limit(0, memory::Meter::kNoLimit, FakeUpstream::kTotal);
  }
  void limit(int64_t bytes) { allocator.set_limit(0, bytes, FakeUpstream::kTotal); }
  void hold(int count, size_t bytes) {
    for (int i = 0; i < count; ++i) holder.held.push_back(allocator.allocate(bytes));
  }
};

TEST_F(ReclaimingAllocatorTest, FollowsReservedAndAllocatedBytes) {
  {
    const auto a = allocator.allocate(1000), b = allocator.allocate(3000);
    EXPECT_EQ(allocator.meter(0).current(), 4000);
    EXPECT_EQ(allocator.allocated(0).current(), 4000);
  }
  EXPECT_EQ(allocator.allocated(0).current(), 0);
  EXPECT_EQ(allocator.meter(0).current(), 4000) << "cached";
  allocator.emptyCache({0, 0});
  EXPECT_EQ(allocator.meter(0).current(), 0);
  EXPECT_EQ(allocator.meter(0).peak(), 4000);
  EXPECT_EQ(holder.calls, 0);
}

TEST_F(ReclaimingAllocatorTest, FollowsExpandableSegments) {
  upstream.expandable = true;
  limit(10'000);
  hold(9, 1000);
  const auto large = allocator.allocate(4000);
  EXPECT_EQ(allocator.meter(0).current(), upstream.reserved(0));
  EXPECT_LE(allocator.meter(0).peak(), 10'000);
  EXPECT_EQ(holder.held.size(), 6u);
}

TEST_F(ReclaimingAllocatorTest, MakesRoomOutsideOfTheLockAndAsksAgain) {
  limit(10'000);
  hold(9, 1000);
  holder.before = [&] {
    ASSERT_TRUE(upstream.mutex.try_lock()) << "the handler would deadlock with upstream";
    upstream.mutex.unlock();
  };
  const auto large = allocator.allocate(4000);
  EXPECT_EQ(holder.calls, 3);
  EXPECT_EQ(holder.last_request, 4000);
  EXPECT_EQ(holder.held.size(), 6u);
  EXPECT_LE(allocator.meter(0).peak(), 10'000);
  EXPECT_EQ(upstream.reserved(0), 10'000);
}

TEST_F(ReclaimingAllocatorTest, ServesRawRequestsTheSameWay) {
  limit(10'000);
  hold(5, 2000);
  void* const a = allocator.raw_alloc(2500);
  void* const b = allocator.raw_alloc_with_stream(1500, nullptr);
  EXPECT_EQ(holder.held.size(), 3u);
  allocator.raw_delete(a);
  allocator.raw_delete(b);
}

TEST_F(ReclaimingAllocatorTest, RefusesWithTheBreakdownAndGoesOn) {
  limit(10'000);
  hold(2, 1000);
  const auto kept = allocator.allocate(8000);
  try {
    allocator.allocate(5000);
    FAIL() << "granted";
  } catch (const OutOfBudget& error) {
    EXPECT_EQ(error.breakdown().payloads_bytes, 77);
    EXPECT_NE(std::string(error.what_without_backtrace()).find("limit of"), std::string::npos);
  }
  EXPECT_TRUE(holder.held.empty());
  EXPECT_NO_THROW(allocator.allocate(1000));
}

TEST_F(ReclaimingAllocatorTest, WithoutALimitUpstreamsOwnErrorIsThrown) {
  try {
    allocator.allocate(FakeUpstream::kTotal + 1);
    FAIL() << "granted";
  } catch (const OutOfBudget&) {
    FAIL() << "there is no budget";
  } catch (const c10::OutOfMemoryError& error) {
    EXPECT_NE(std::string(error.what()).find("fake"), std::string::npos);
  }
  EXPECT_EQ(holder.calls, 1) << "a full device is a reason to make room too";
}

TEST_F(ReclaimingAllocatorTest, DoesNothingWhileAGraphIsCaptured) {
  limit(10'000);
  hold(9, 1000);
  state.captured = true;
  EXPECT_THROW(allocator.allocate(4000), c10::OutOfMemoryError);
  EXPECT_EQ(holder.calls, 0);
  state.captured = false;
  EXPECT_NO_THROW(allocator.allocate(4000));
}

TEST_F(ReclaimingAllocatorTest, PayloadsBeingMadeUseWhatWasKeptBack) {
  limit(12'000);
  allocator.keep_back(0, 2000);  // 2048
  EXPECT_EQ(allocator.meter(0).current(), 2048);
  EXPECT_EQ(allocator.allocated(0).current(), 0) << "kept back, in no tensor";
  hold(7, 1000);
  c10::DataPtr payload;
  holder.before = [&] {
    const ReserveScope scope;
    if (!payload) payload = allocator.allocate(500);  // raw and coded are there at once
  };
  const auto large = allocator.allocate(3000);
  EXPECT_TRUE(payload);
  EXPECT_LE(allocator.meter(0).peak(), 12'000);
  EXPECT_EQ(allocator.allocated(0).current(), 3000 + 500 + 1000 * static_cast<int64_t>(holder.held.size()));
}

TEST_F(ReclaimingAllocatorTest, NeverAsksItselfAgain) {
  limit(10'000);
  hold(9, 1000);
  holder.before = [&] { EXPECT_THROW(allocator.allocate(9000), c10::OutOfMemoryError); };
  const auto large = allocator.allocate(2000);
  EXPECT_EQ(holder.calls, 1);
}

TEST_F(ReclaimingAllocatorTest, AGrantedRequestPassesTheLimitOnce) {
  limit(10'000);
  holder.grant = true;
  const auto large = allocator.allocate(20'000);
  EXPECT_EQ(allocator.meter(0).current(), 20'000);
  EXPECT_DOUBLE_EQ(allocator.getMemoryFraction(0), 0.01);
}

TEST_F(ReclaimingAllocatorTest, DevicesHaveTheirOwnLimitsAndHandlers) {
  Holder other;
  allocator.handler(1).set(&other);
  limit(10'000);
  hold(9, 1000);
  state.device = 1;
  const auto large = allocator.allocate(50'000);
  EXPECT_EQ(allocator.meter(1).current(), 50'000);
  allocator.set_limit(1, 60'000, FakeUpstream::kTotal);
  EXPECT_THROW(allocator.allocate(20'000), OutOfBudget);
  EXPECT_EQ(other.calls, 1);
  EXPECT_EQ(holder.calls, 0);
  allocator.handler(1).set(nullptr);
  state.device = 0;
}

TEST(ReclaimingAllocator, CountsWhatWasGivenOutBefore) {
  FakeState state;
  FakeUpstream upstream(&state.device);
  const auto kept = upstream.allocate(5000);
  upstream.allocate(3000);  // cached
  ReclaimingAllocator allocator(&upstream, &state, 1);
  EXPECT_EQ(allocator.meter(0).current(), 8000);
  EXPECT_EQ(allocator.allocated(0).current(), 5000);
  EXPECT_EQ(allocator.meter(1).current(), 0);
}

TEST(ReclaimingAllocator, KeepsTheUsersOwnFraction) {
  FakeState state;
  FakeUpstream upstream(&state.device);
  upstream.setMemoryFraction(0.5, 0);
  ReclaimingAllocator allocator(&upstream, &state, 1);
  allocator.set_limit(0, 200'000, FakeUpstream::kTotal);
  EXPECT_DOUBLE_EQ(upstream.getMemoryFraction(0), 0.2);
  allocator.set_limit(0, memory::Meter::kNoLimit, FakeUpstream::kTotal);
  EXPECT_DOUBLE_EQ(upstream.getMemoryFraction(0), 0.5) << "it was there before us";
  allocator.set_limit(0, 200'000, FakeUpstream::kTotal);
  allocator.setMemoryFraction(0.7, 0);
  EXPECT_DOUBLE_EQ(upstream.getMemoryFraction(0), 0.2) << "the limit is the smaller one";
  allocator.setMemoryFraction(0.1, 0);
  EXPECT_DOUBLE_EQ(upstream.getMemoryFraction(0), 0.1);
}

TEST_F(ReclaimingAllocatorTest, RefusesALimitBelowWhatIsReserved) {
  const auto kept = allocator.allocate(5000);
  allocator.allocate(4000);  // cached: no obstacle
  EXPECT_THROW(limit(4000), Error);
  EXPECT_NO_THROW(limit(6000));
}

TEST(ReclaimingAllocator, RefusesBackendsThatCannotBeHeldToALimit) {
  FakeState state;
  for (const char* kind : {"cudaMallocAsync", "pluggable"}) {
    FakeUpstream upstream(&state.device, kind);
    try {
      ReclaimingAllocator allocator(&upstream, &state, 1);
      FAIL() << kind;
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find(kind), std::string::npos);
    }
  }
}

TEST_F(ReclaimingAllocatorTest, ManyThreadsNeitherDeadlockNorPassTheLimit) {
  limit(100'000);
  struct Shared final : OverrunHandler {
    bool make_room(int64_t) override {
      const std::lock_guard<std::mutex> lock(mutex);
      if (held.empty()) return false;
      held.pop_back();
      return true;
    }
    bool overrun(int64_t, MemoryBreakdown&) override { return false; }
    std::mutex mutex;
    std::vector<c10::DataPtr> held;
  } shared;
  allocator.handler(0).set(&shared);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 2000; ++i) {
        try {
          auto block = allocator.allocate(static_cast<size_t>(1000 + 100 * ((i * 7 + t) % 50)));
          const std::lock_guard<std::mutex> lock(shared.mutex);
          shared.held.push_back(std::move(block));
        } catch (const c10::OutOfMemoryError&) {
          // All of it was just in other hands.
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(allocator.meter(0).peak(), 100'000);
  allocator.handler(0).set(nullptr);
}

}  // namespace
}  // namespace cinch::backend
