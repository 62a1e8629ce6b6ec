// Copies between a GPU and pinned memory. Skipped, and counted, without a GPU.
#include "src/backend/torch/cuda/host_copies.h"

#include <ATen/ATen.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAEvent.h>
#include <c10/cuda/CUDAGuard.h>
#include <gtest/gtest.h>

#include "src/backend/cuda/runtime.h"
#include "src/backend/torch/host_pool.h"

namespace cinch::backend {
namespace {

constexpr int64_t kValues = int64_t{4} << 20;
constexpr int64_t kBytes = kValues * 4;

struct HostCopiesCuda : testing::Test {
  void SetUp() override {
    if (cuda_device_count() == 0) GTEST_SKIP() << cuda_problem();
    pool = std::make_unique<HostPool>(std::make_unique<CudaHostCopies>(c10::Device(c10::kCUDA, 0)));
    pool->set_bound(int64_t{64} << 20);
  }
  // Values that are there only after a while.
  static at::Tensor slowly_made() {
    c10::cuda::CUDACachingAllocator::emptyCache();
    at::Tensor x = at::empty({kValues}, at::device(at::kCUDA));
    const at::Tensor a = at::rand({4096, 4096}, at::device(at::kCUDA));
    at::Tensor b = a;
    for (int i = 0; i < 10; ++i) b = a.mm(b).div_(4096);
    return x.copy_(b.flatten().slice(0, 0, kValues));
  }
  std::unique_ptr<HostPool> pool;
};

TEST_F(HostCopiesCuda, GoesOutAndComesBackInStreamOrder) {
  auto block = pool->take(kBytes);
  ASSERT_TRUE(block);
  const at::Tensor x = slowly_made();
  block.last_copy = pool->copies().copy_out(block.memory(), x.storage(), 0, kBytes, nullptr);
  EXPECT_FALSE(block.last_copy->done()) << "the host has waited, or the test was too slow to tell";
  const auto side = c10::cuda::getStreamFromPool(false, 0);
  at::Tensor back;
  bool same = false;
  {
    const c10::cuda::CUDAStreamGuard guard(side);
    back = at::full({kValues}, -1.0, at::device(at::kCUDA));
    block.last_copy = pool->copies().copy_in(back.storage(), block.memory(), kBytes, block.last_copy);
    block.last_copy->wait_here();
    same = back.equal(x);
  }
  EXPECT_TRUE(same);
  EXPECT_TRUE(block.last_copy->done());
}

TEST_F(HostCopiesCuda, MemoryTakenBackByAStreamThatWaitsIsNotOverwrittenEarly) {
  auto block = pool->take(kBytes);
  at::Tensor x = slowly_made();
  const at::Tensor expected = x.clone();
  const auto out = pool->copies().copy_out(block.memory(), x.storage(), 0, kBytes, nullptr);
  out->wait_here();
  const void* memory = x.data_ptr();
  x.reset();
  const at::Tensor next = at::full({kValues}, 7.0, at::device(at::kCUDA));
  EXPECT_EQ(next.data_ptr(), memory) << "the allocator gave other memory, and the test shows nothing";
  const at::Tensor back = at::empty({kValues}, at::device(at::kCUDA));
  block.last_copy = pool->copies().copy_in(back.storage(), block.memory(), kBytes, out);
  block.last_copy->wait_here();
  EXPECT_TRUE(back.equal(expected));
}

TEST_F(HostCopiesCuda, CopiesAPartOfAStorage) {
  auto block = pool->take(kBytes / 2);
  const at::Tensor x = at::rand({kValues}, at::device(at::kCUDA));
  block.last_copy = pool->copies().copy_out(block.memory(), x.storage(), kBytes / 2, kBytes / 2, nullptr);
  const at::Tensor back = at::empty({kValues / 2}, at::device(at::kCUDA));
  block.last_copy = pool->copies().copy_in(back.storage(), block.memory(), kBytes / 2, block.last_copy);
  block.last_copy->wait_here();
  EXPECT_TRUE(back.equal(x.slice(0, kValues / 2)));
}

TEST_F(HostCopiesCuda, TheRateIsThatOfABus) {
  const double rate = pool->copies().bytes_per_second();
  EXPECT_GT(rate, 1e8);
  EXPECT_LT(rate, 2e12);
  EXPECT_EQ(rate, pool->copies().bytes_per_second()) << "measured once";
  EXPECT_FALSE(pool->copies().capturing());
}

TEST_F(HostCopiesCuda, MoreThanTheSystemHasIsNoError) {
  EXPECT_EQ(pool->copies().pin(int64_t{1} << 60), nullptr);
  EXPECT_TRUE(at::ones({4}, at::device(at::kCUDA)).sum().item<float>() == 4.0f) << "an error was left behind";
}

}  // namespace
}  // namespace cinch::backend
