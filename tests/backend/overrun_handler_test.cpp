#include <gtest/gtest.h>
#include <torch/torch.h>

#include <atomic>
#include <chrono>
#include <future>
#include <mutex>
#include <thread>
#include <vector>

#include "cinch/torch/meter.h"
#include "cinch/torch/out_of_budget.h"
#include "src/backend/torch/metered_allocator.h"

namespace cinch::backend {
namespace {

// Frees one of its blocks each time it is asked.
struct Blocks : OverrunHandler {
  bool make_room(int64_t request_bytes) override {
    ++asked;
    last_request = request_bytes;
    if (allocate_inside) {
      EXPECT_THROW(torch::empty({1 << 20}), OutOfBudget);
      const ReserveScope reserve;
      EXPECT_NO_THROW(torch::empty({100}));
    }
    torch::Tensor dropped;
    const std::lock_guard lock(mutex);
    if (blocks.empty()) {
      return false;
    }
    dropped = blocks.back();
    blocks.pop_back();
    return true;
  }
  bool overrun(int64_t, MemoryBreakdown& breakdown) override {
    ++overruns;
    breakdown.payloads_bytes = 123;
    return grant;
  }
  std::mutex mutex;
  std::vector<torch::Tensor> blocks;
  std::atomic<int> asked{0}, overruns{0};
  std::atomic<int64_t> last_request{0};
  bool allocate_inside = false;
  bool grant = false;
};

class OverrunHandlerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    before_ = meter_.current_bytes();
    for (int i = 0; i < 10; ++i) {
      handler_.blocks.push_back(torch::empty({1000}));
    }
    meter_.set_limit(before_ + 50000);
    set_overrun_handler(&handler_);
  }
  void TearDown() override {
    set_overrun_handler(nullptr);
    meter_.set_limit(0);
    cpu_meter().set_reserve(0);
    handler_.blocks.clear();
    EXPECT_EQ(meter_.current_bytes(), before_);
  }
  DeviceMeter& meter_ = DeviceMeter::of(c10::kCPU);
  int64_t before_ = 0;
  Blocks handler_;
};

TEST_F(OverrunHandlerTest, IsAskedAgainUntilTheRequestFits) {
  meter_.reset_peak();
  auto x = torch::empty({5000});
  EXPECT_EQ(handler_.asked, 3) << "20000 bytes need 10000 more than the 10000 that are free";
  EXPECT_EQ(handler_.last_request, 20000);
  EXPECT_EQ(handler_.overruns, 0);
  EXPECT_LE(meter_.peak_bytes(), before_ + 50000);
}

TEST_F(OverrunHandlerTest, IsNotAskedWhenTheRequestFits) {
  auto x = torch::empty({2500});
  EXPECT_EQ(handler_.asked, 0);
}

TEST_F(OverrunHandlerTest, RefusalCarriesItsBreakdown) {
  try {
    torch::empty({20000});
    FAIL() << "80000 bytes cannot fit";
  } catch (const OutOfBudget& error) {
    EXPECT_EQ(error.breakdown().payloads_bytes, 123);
  }
  EXPECT_EQ(handler_.overruns, 1);
  EXPECT_TRUE(handler_.blocks.empty());
  EXPECT_EQ(handler_.asked, 11);
  EXPECT_NO_THROW(torch::empty({12500}));
}

TEST_F(OverrunHandlerTest, MayGrantARequestOverTheLimit) {
  handler_.grant = true;
  auto x = torch::empty({20000});
  EXPECT_EQ(handler_.overruns, 1);
  EXPECT_GT(meter_.current_bytes(), meter_.limit_bytes());
}

TEST_F(OverrunHandlerTest, RespectsTheReserve) {
  cpu_meter().set_reserve(8000);
  auto x = torch::empty({2000});
  EXPECT_EQ(handler_.asked, 2) << "40000 in use, 42000 allowed: 8000 need two blocks";
}

TEST_F(OverrunHandlerTest, IsNeverCalledRecursivelyOrWithinAReserveScope) {
  handler_.allocate_inside = true;
  cpu_meter().set_reserve(1000);
  auto x = torch::empty({5000});
  EXPECT_EQ(handler_.asked, 3);
  const int asked = handler_.asked;
  const ReserveScope reserve;
  EXPECT_THROW(torch::empty({20000}), OutOfBudget);
  EXPECT_EQ(handler_.asked, asked);
}

TEST_F(OverrunHandlerTest, ServesManyThreadsUnderTheLimit) {
  meter_.reset_peak();
  std::vector<std::thread> threads;
  std::atomic<int> granted{0};
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 500; ++i) {
        try {
          torch::empty({3000 + i});
          ++granted;
        } catch (const OutOfBudget&) {
        }
      }
    });
  }
  for (auto& thread : threads) {
    thread.join();
  }
  EXPECT_GT(granted.load(), 0);
  EXPECT_GT(handler_.asked.load(), 0);
  EXPECT_LE(meter_.peak_bytes(), before_ + 50000);
}

TEST_F(OverrunHandlerTest, ReplacingWaitsForCallsInProgress) {
  struct Slow : OverrunHandler {
    bool make_room(int64_t) override {
      entered.set_value();
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      left = true;
      return false;
    }
    bool overrun(int64_t, MemoryBreakdown&) override { return false; }
    std::promise<void> entered;
    std::atomic<bool> left{false};
  } slow;
  set_overrun_handler(&slow);
  std::thread requester([] { EXPECT_THROW(torch::empty({100000}), OutOfBudget); });
  slow.entered.get_future().wait();
  set_overrun_handler(nullptr);
  EXPECT_TRUE(slow.left);
  requester.join();
}

}  // namespace
}  // namespace cinch::backend
