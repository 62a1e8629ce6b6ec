// Limits and counts on a GPU.
#include <c10/cuda/CUDACachingAllocator.h>
#include <cuda_runtime_api.h>

#include "cinch/error.h"
#include "cinch/torch/out_of_budget.h"
#include "src/backend/torch/device_memory.h"
#include "tests/hooks/cuda/support.h"

namespace cinch::test {
namespace {

class MemoryCuda : public OnGpu {};

TEST_F(MemoryCuda, TheMeterFollowsTorchsOwnCounts) {
  auto& meter = DeviceMeter::of(kCuda);
  const auto stats = [] { return c10::cuda::CUDACachingAllocator::getDeviceStats(0); };
  const auto x = torch::randn({1 << 20}, kCuda);
  EXPECT_EQ(meter.current_bytes(), stats().reserved_bytes[0].current);
  EXPECT_EQ(meter.allocated_bytes(), stats().requested_bytes[0].current);
  EXPECT_GE(meter.current_bytes(), meter.allocated_bytes());
}

TEST_F(MemoryCuda, ALimitHoldsWhereStockRunsOut) {
  if (!catalogue_holds_on_cuda()) GTEST_SKIP() << "the catalogue was not verified on CUDA: too little may be coded yet";
  auto& meter = DeviceMeter::of(kCuda);
  // What stock has in tensors at once: below that it cannot do with less cache either.
  int64_t stock = 0, floor = 0;
  {
    meter.reset_peak();
    auto net = make_net();
    train(net, 2, nullptr, 512);
    stock = meter.allocated_peak_bytes();
  }
  c10::cuda::CUDACachingAllocator::emptyCache();
  {
    auto net = make_net();
    GuardOptions options;
    options.device = kCuda;
    Budget budget;
    budget.min_effective_batch = 0;
    BudgetGuard guard(budget, options);
    train(net, 3, &guard, 512);
    floor = guard.profile()->floor_bytes();
  }
  c10::cuda::CUDACachingAllocator::emptyCache();
  ASSERT_LT(floor, stock);
  const int64_t limit = floor + (stock - floor) / 2;
  meter.set_limit(limit);
  {
    auto net = make_net();
    EXPECT_THROW(train(net, 2, nullptr, 512), c10::OutOfMemoryError) << "stock needs more";
  }
  meter.set_limit(0);
  c10::cuda::CUDACachingAllocator::emptyCache();
  meter.reset_peak();
  GuardOptions options;
  options.device = kCuda;
  auto budget = Budget::bytes(limit);
  budget.min_effective_batch = 0;
  auto net = make_net();
  BudgetGuard guard(budget, options);
  train(net, 6, &guard, 512);
  EXPECT_LE(guard.usage().device_peak_bytes, limit);
}

TEST_F(MemoryCuda, StandInsCostNoMemoryAndCanBeRead) {
  const auto& memory = backend::device_memory(kCuda);
  size_t before = 0, after = 0, total = 0;
  memory.stand_in(1 << 20);
  cudaMemGetInfo(&before, &total);
  constexpr int64_t kBytes = int64_t{1} << 30;
  const c10::Storage storage = memory.stand_in(kBytes);
  cudaMemGetInfo(&after, &total);
  EXPECT_LT(static_cast<int64_t>(before) - static_cast<int64_t>(after), kBytes / 8);
  char last = 1;
  ASSERT_EQ(cudaMemcpy(&last, static_cast<const char*>(storage.data()) + kBytes - 1, 1, cudaMemcpyDeviceToHost),
            cudaSuccess);
}

TEST_F(MemoryCuda, LaterStatisticsAreThoseOfTheCpu) {
  const auto& memory = backend::device_memory(kCuda);
  for (const int64_t n : {1, 255, 70'000, 1'000'003}) {
    const auto x = torch::randn({n}, kCuda);
    const auto later = memory.later_stats({x.const_data_ptr(), n, DType::kFloat32});
    ASSERT_TRUE(later);
    const auto host = x.cpu();
    const TensorStats want = compute_stats({host.const_data_ptr(), n, DType::kFloat32});
    const TensorStats got = (*later)();
    EXPECT_EQ(got.sampled, want.sampled);
    EXPECT_EQ(got.mean, want.mean);
    EXPECT_EQ(got.variance, want.variance);
    EXPECT_EQ(got.max, want.max);
  }
}

TEST_F(MemoryCuda, AnIndexThatDoesNotExistIsRefused) { EXPECT_THROW(DeviceMeter::of({c10::kCUDA, 99}), Error); }

}  // namespace
}  // namespace cinch::test
