// Blocks that the CPU's allocator keeps when they are freed.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <torch/torch.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <thread>
#include <vector>

#include "cinch/torch/meter.h"
#include "cinch/torch/out_of_budget.h"

namespace cinch::backend {
namespace {

constexpr int64_t kMiB = 1 << 20;

at::Tensor bytes(int64_t n) { return at::empty({n}, at::kByte); }

class KeptBlocks : public ::testing::Test {
 protected:
  void SetUp() override {
#if defined(__SANITIZE_ADDRESS__)
    GTEST_SKIP() << "nothing is kept with an address sanitizer, which is to see what is freed";
#endif
    meter_.release_kept();
    ASSERT_EQ(meter_.kept_bytes(), 0);
    before_ = meter_.current_bytes();
  }
  void TearDown() override {
    meter_.set_limit(0);
    meter_.release_kept();
    EXPECT_EQ(meter_.current_bytes(), before_);
  }
  int64_t taken() const { return meter_.current_bytes() - before_; }

  DeviceMeter& meter_ = DeviceMeter::of(c10::kCPU);
  int64_t before_ = 0;
};

TEST_F(KeptBlocks, AreGivenOutAgainForTheSameSize) {
  at::Tensor x = bytes(kMiB);
  x.fill_(7);
  const void* const place = x.data_ptr();
  x.reset();
  EXPECT_EQ(taken(), 0) << "what is kept is not in use";
  EXPECT_EQ(meter_.kept_bytes(), kMiB);
  const at::Tensor y = bytes(kMiB);
  EXPECT_EQ(y.data_ptr(), place);
  EXPECT_EQ(taken(), kMiB);
  EXPECT_EQ(meter_.kept_bytes(), 0);
  at::Tensor large = bytes(2 * kMiB);
  large.reset();
  const at::Tensor other = bytes(2 * kMiB - 1);
  EXPECT_EQ(meter_.kept_bytes(), 0) << "of another size: it made room";
  EXPECT_EQ(taken(), 3 * kMiB - 1);
}

TEST_F(KeptBlocks, AreLargeOnes) {
  bytes((256 << 10) - 1).reset();
  EXPECT_EQ(meter_.kept_bytes(), 0);
  bytes(256 << 10).reset();
  EXPECT_EQ(meter_.kept_bytes(), 256 << 10);
}

TEST_F(KeptBlocks, AndWhatIsInUseAreNeverMoreThanWasInUseAtOnce) {
  { const at::Tensor x = bytes(3 * kMiB), y = bytes(kMiB), z = bytes(kMiB + 64); }
  EXPECT_EQ(meter_.kept_bytes(), 5 * kMiB + 64);
  // 1.5 MiB more have no place: those that have waited longest go, z and y (destroyed in this order).
  const at::Tensor other = bytes(kMiB + kMiB / 2);
  EXPECT_EQ(meter_.kept_bytes(), kMiB * 3);
  const at::Tensor y = bytes(3 * kMiB);
  EXPECT_EQ(meter_.kept_bytes(), 0);
}

TEST_F(KeptBlocks, AndWhatIsInUseKeepToTheLimit) {
  { const at::Tensor x = bytes(4 * kMiB), y = bytes(2 * kMiB); }
  EXPECT_EQ(meter_.kept_bytes(), 6 * kMiB);
  meter_.set_limit(before_ + 5 * kMiB);
  EXPECT_EQ(meter_.kept_bytes(), 4 * kMiB) << "at once";
  const at::Tensor z = bytes(4 * kMiB);
  EXPECT_EQ(meter_.kept_bytes(), 0);
  EXPECT_THROW(bytes(kMiB + 1), OutOfBudget);
  EXPECT_EQ(taken(), 4 * kMiB);
}

TEST_F(KeptBlocks, KeepToALimitThatWasLoweredWhileMoreWasInUse) {
  {
    const at::Tensor x = bytes(4 * kMiB), y = bytes(2 * kMiB);
    meter_.set_limit(before_ + 5 * kMiB);
    EXPECT_EQ(meter_.kept_bytes(), 0);
  }
  EXPECT_EQ(meter_.kept_bytes(), 4 * kMiB) << "y, which was freed first, has no place";
}

TEST_F(KeptBlocks, AreBoundByWhatWasInUseAndNotByRequestsThatFailed) {
  EXPECT_ANY_THROW(bytes(int64_t{1} << 60));
  for (int64_t n = 1; n <= 16; ++n) bytes(kMiB + 64 * n).reset();  // one after the other, each of its own size
  EXPECT_LE(meter_.kept_bytes(), kMiB + 64 * 16);
}

// What is kept must not make a request fail that the limit allows.
TEST_F(KeptBlocks, MakeRoomForEveryRequestWithinTheLimit) {
  meter_.set_limit(before_ + 8 * kMiB);
  for (const int64_t size : {8 * kMiB, 3 * kMiB, 5 * kMiB + 1, kMiB, 8 * kMiB, 7 * kMiB})
    for (int64_t left = 8 * kMiB; left >= size; left -= size) EXPECT_NO_THROW(bytes(size).reset()) << size;
  EXPECT_LE(meter_.kept_bytes(), 8 * kMiB);
}

TEST_F(KeptBlocks, AreGivenBackWhenAsked) {
  bytes(2 * kMiB).reset();
  meter_.release_kept();
  EXPECT_EQ(meter_.kept_bytes(), 0);
  bytes(kMiB).reset();
  EXPECT_EQ(meter_.kept_bytes(), kMiB);
  bytes(kMiB + kMiB / 2).reset();
  EXPECT_EQ(meter_.kept_bytes(), kMiB + kMiB / 2) << "what was in use before that does not count";
}

TEST_F(KeptBlocks, AreForManyThreadsAndForkedChildren) {
  std::atomic<bool> end{false};
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t)
    threads.emplace_back([&, t] {
      while (!end) {
        at::Tensor x = bytes(kMiB + t % 2), y = bytes(kMiB);
        x.fill_(t);
        y.fill_(t + 1);
        EXPECT_EQ(x[kMiB / 2].item<int>(), t);
      }
    });
  for (int i = 0; i < 20; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      bytes(kMiB).reset();
      _exit(bytes(kMiB).numel() == kMiB ? 3 : 4);
    }
    int status = 0;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 3) << status;
  }
  end = true;
  for (std::thread& thread : threads) thread.join();
}

// In a process of its own, where the environment is read anew.
TEST(KeptBlocksDeathTest, AreNoneWhereTheEnvironmentSaysSo) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  setenv("CINCH_KEEP_FREED", "0", 1);
  EXPECT_EXIT(
      {
        DeviceMeter& meter = DeviceMeter::of(c10::kCPU);
        bytes(kMiB).reset();
        _exit(meter.kept_bytes() == 0 ? 3 : 4);
      },
      ::testing::ExitedWithCode(3), "");
  unsetenv("CINCH_KEEP_FREED");
}

}  // namespace
}  // namespace cinch::backend
