#include "src/backend/torch/metered_allocator.h"

#include <ATen/Parallel.h>
#include <c10/core/CPUAllocator.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <atomic>
#include <thread>
#include <vector>

#include "cinch/error.h"
#include "cinch/torch/meter.h"
#include "cinch/torch/out_of_budget.h"

// With the address sanitizer: a request that is too big fails, as without, instead of ending the program.
extern "C" const char* __asan_default_options() { return "allocator_may_return_null=1"; }

namespace cinch::backend {
namespace {

class MeteredAllocator : public ::testing::Test {
 protected:
  void SetUp() override { before_ = meter_.current_bytes(); }
  void TearDown() override {
    set_overrun_handler(nullptr);
    meter_.set_limit(0);
    cpu_meter().set_reserve(0);
    EXPECT_EQ(meter_.current_bytes(), before_);
  }
  int64_t taken() const { return meter_.current_bytes() - before_; }

  DeviceMeter& meter_ = DeviceMeter::of(c10::kCPU);
  int64_t before_ = 0;
};

TEST_F(MeteredAllocator, CountsTheBytesOfStoragesAndNotOfViews) {
  {
    auto x = torch::empty({1000});
    EXPECT_EQ(taken(), 4000);
    auto view = x.view({10, 100}).slice(0, 2, 4);
    EXPECT_EQ(taken(), 4000);
    auto half = torch::empty({1000}, torch::kHalf);
    EXPECT_EQ(taken(), 6000);
  }
  EXPECT_EQ(taken(), 0);
}

TEST_F(MeteredAllocator, CountsNothingForEmptyTensorsAndForeignMemory) {
  std::vector<float> foreign(256);
  auto empty = torch::empty({0});
  auto x = torch::from_blob(foreign.data(), {256});
  EXPECT_EQ(taken(), 0);
  EXPECT_FALSE(is_metered(x.storage().data_ptr()));
  EXPECT_FALSE(is_metered(empty.storage().data_ptr()));
  x = x.clone();
  EXPECT_TRUE(is_metered(x.storage().data_ptr()));
  EXPECT_EQ(taken(), 1024);
}

TEST_F(MeteredAllocator, FollowsResizesOfStorages) {
  auto x = torch::empty({0});
  x.resize_({500});
  EXPECT_EQ(taken(), 2000);
  x.resize_({2000});
  EXPECT_EQ(taken(), 8000);
  x.unsafeGetTensorImpl()->unsafe_storage().unsafeGetStorageImpl()->reset();
  EXPECT_EQ(taken(), 0);
}

TEST_F(MeteredAllocator, BlocksAreAlignedAndNeverStartAPage) {
  std::vector<torch::Tensor> kept;
  for (int64_t n : {1, 7, 63, 64, 100, 960, 4000, 4032, 4096, 65536, 1 << 21, (1 << 21) - 64, 3 << 20}) {
    for (int i = 0; i < 70; ++i) {
      kept.push_back(torch::empty({n}, torch::kByte));
      const auto address = reinterpret_cast<uintptr_t>(kept.back().data_ptr());
      ASSERT_EQ(address % 64, 0U);
      ASSERT_NE(address % 4096, 0U);
      if (n < 5000) {
        kept.back().fill_(255);
      }
    }
  }
}

TEST_F(MeteredAllocator, TorchBelievesItsPointers) {
  auto* allocator = c10::GetCPUAllocator();
  EXPECT_EQ(allocator, c10::GetAllocator(c10::kCPU));
  auto data = allocator->allocate(100);
  EXPECT_EQ(data.get(), data.get_context());
  EXPECT_EQ(data.get_deleter(), allocator->raw_deleter());
  EXPECT_TRUE(allocator->is_simple_data_ptr(data));
  EXPECT_EQ(taken(), 100);
  auto zero = allocator->allocate(0);
  EXPECT_EQ(zero.get_deleter(), allocator->raw_deleter());
  std::memset(data.get(), 42, 100);
  auto copy = allocator->clone(data.get(), 100);
  EXPECT_EQ(static_cast<const char*>(copy.get())[99], 42);
  EXPECT_EQ(taken(), 200);
}

TEST_F(MeteredAllocator, RawPathCountsAndFreesNull) {
  auto* allocator = c10::GetCPUAllocator();
  void* block = allocator->raw_allocate(300);
  EXPECT_EQ(taken(), 300);
  allocator->raw_deallocate(block);
  EXPECT_EQ(taken(), 0);
  allocator->raw_deallocate(nullptr);
  allocator->raw_deleter()(nullptr);
}

TEST_F(MeteredAllocator, FreesMemoryThatItDidNotMake) {
  void* old = c10::GetDefaultCPUAllocator()->raw_allocate(1000);
  c10::GetCPUAllocator()->raw_deallocate(old);
  void* page = c10::GetDefaultCPUAllocator()->raw_allocate(8 << 20);
  c10::GetCPUAllocator()->raw_deallocate(page);
  EXPECT_EQ(taken(), 0);
}

TEST_F(MeteredAllocator, LazyClonesAreNotTakenForOurs) {
  auto x = torch::ones({1000});
  auto lazy = at::_lazy_clone(x);
  EXPECT_EQ(taken(), 4000);
  EXPECT_FALSE(is_metered(lazy.storage().data_ptr()));
  lazy.add_(1);
  EXPECT_EQ(taken(), 8000);
  x.reset();
  lazy.reset();
  EXPECT_EQ(taken(), 0);
}

TEST_F(MeteredAllocator, UndoesItsCountWhenTheUpstreamFails) {
  EXPECT_THROW(c10::GetCPUAllocator()->allocate(size_t{1} << 60), c10::Error);
  EXPECT_THROW(c10::GetCPUAllocator()->allocate(SIZE_MAX - 10), c10::Error);
  EXPECT_EQ(taken(), 0);
}

TEST_F(MeteredAllocator, LimitRefusesWithOneSentenceAndTrainingGoesOn) {
  meter_.set_limit(before_ + 10000);
  auto kept = torch::empty({1000});
  try {
    torch::empty({100000});
    FAIL() << "the request should have been refused";
  } catch (const c10::OutOfMemoryError& error) {
    const std::string what = error.what();
    EXPECT_NE(what.find("does not fit under the limit"), std::string::npos) << what;
    EXPECT_EQ(what.find('\n'), std::string::npos) << what;
    EXPECT_NE(dynamic_cast<const OutOfBudget*>(&error), nullptr);
  }
  EXPECT_EQ(taken(), 4000);
  EXPECT_NO_THROW(torch::empty({1500}));
  EXPECT_THROW(torch::empty({1501}), OutOfBudget);
  meter_.set_limit(0);
  EXPECT_NO_THROW(torch::empty({100000}));
}

TEST_F(MeteredAllocator, OutOfBudgetIsCaughtAsStandardException) {
  meter_.set_limit(before_ + 1);
  EXPECT_THROW(torch::empty({100}), std::exception);
}

TEST_F(MeteredAllocator, ReserveIsForReserveScopesOnly) {
  meter_.set_limit(before_ + 10000);
  cpu_meter().set_reserve(4000);
  EXPECT_THROW(torch::empty({1501}), OutOfBudget);
  auto fits = torch::empty({1500});
  {
    const ReserveScope reserve;
    auto payload = torch::empty({1000});
    EXPECT_EQ(taken(), 10000);
    EXPECT_THROW(torch::empty({1}), OutOfBudget);
    { const ReserveScope nested; }
    payload.reset();
    EXPECT_NO_THROW(torch::empty({1000}));
  }
  EXPECT_THROW(torch::empty({1}), OutOfBudget);
}

TEST_F(MeteredAllocator, PeakIsKeptBetweenResets) {
  meter_.reset_peak();
  torch::empty({1000});
  EXPECT_EQ(meter_.peak_bytes() - before_, 4000);
  meter_.reset_peak();
  EXPECT_EQ(meter_.peak_bytes(), before_);
}

TEST_F(MeteredAllocator, ThreadsInsideParallelForStayUnderTheLimit) {
  meter_.set_limit(before_ + 100000);
  meter_.reset_peak();
  std::atomic<int> granted{0}, refused{0};
  at::parallel_for(0, 4000, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      try {
        torch::empty({i % 2 == 0 ? 16000 : 30000});
        ++granted;
      } catch (const OutOfBudget&) {
        ++refused;
      }
    }
  });
  EXPECT_EQ(granted + refused, 4000);
  EXPECT_GE(granted.load(), 2000 / at::get_num_threads());
  EXPECT_GE(refused.load(), 2000) << "120000 bytes never fit";
  EXPECT_LE(meter_.peak_bytes(), before_ + 100000);
}

TEST_F(MeteredAllocator, MemoryMayBeFreedOnAnotherThread) {
  auto x = torch::empty({1000});
  std::thread([moved = std::move(x)]() mutable { moved.reset(); }).join();
  EXPECT_EQ(taken(), 0);
}

TEST(DeviceMeter, RefusesDevicesThatAreNotSupportedAndNegativeLimits) {
  EXPECT_THROW(DeviceMeter::of(c10::Device(c10::kMeta, 0)), Error);
  EXPECT_THROW(DeviceMeter::of(c10::kCPU).set_limit(-1), Error);
  EXPECT_EQ(&DeviceMeter::of(c10::kCPU), &DeviceMeter::of(c10::Device(c10::kCPU, -1)));
}

TEST(DeviceMeter, TellsItsLimit) {
  auto& meter = DeviceMeter::of(c10::kCPU);
  EXPECT_EQ(meter.limit_bytes(), 0);
  meter.set_limit(int64_t{1} << 40);
  EXPECT_EQ(meter.limit_bytes(), int64_t{1} << 40);
  meter.set_limit(0);
  EXPECT_EQ(meter.limit_bytes(), 0);
}

}  // namespace
}  // namespace cinch::backend
