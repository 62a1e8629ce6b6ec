#include "src/backend/torch/executor.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include "cinch/error.h"
#include "src/backend/torch/dtype.h"

namespace cinch::backend {
namespace {

using Range = std::pair<int64_t, int64_t>;

std::set<Range> ranges_of(int64_t n, int64_t grain) {
  std::mutex mutex;
  std::set<Range> ranges;
  torch_executor().parallel_for(n, grain, [&](int64_t begin, int64_t end) {
    const std::lock_guard lock(mutex);
    EXPECT_TRUE(ranges.emplace(begin, end).second);
  });
  return ranges;
}

TEST(TorchExecutor, CoversEverythingInMultiplesOfTheGrain) {
  for (const int64_t n : {1, 255, 256, 257, 100000, 1000001}) {
    for (const int64_t grain : {1, 64, 256, 30000}) {
      int64_t next = 0;
      for (const auto& [begin, end] : ranges_of(n, grain)) {
        EXPECT_EQ(begin, next);
        EXPECT_LT(begin, end);
        EXPECT_TRUE((end - begin) % grain == 0 || end == n);
        next = end;
      }
      EXPECT_EQ(next, n);
    }
  }
}

TEST(TorchExecutor, DoesNothingForNothing) {
  EXPECT_TRUE(ranges_of(0, 256).empty());
  EXPECT_TRUE(ranges_of(-5, 256).empty());
}

// How many of two threads take part.
size_t threads_of(int64_t n, int64_t grain) {
  const int before = at::get_num_threads();
  at::set_num_threads(2);
  std::mutex mutex;
  std::set<std::thread::id> threads;
  torch_executor().parallel_for(n, grain, [&](int64_t, int64_t) {
    const std::lock_guard lock(mutex);
    threads.insert(std::this_thread::get_id());
  });
  at::set_num_threads(before);
  return threads.size();
}

// With an OpenMP runtime other than torch's this would run on one thread.
TEST(TorchExecutor, UsesTorchsThreads) { EXPECT_EQ(threads_of(1 << 20, 256), 2U); }

// Units may be large: 98 chunks of an entropy-coded payload are 12 MiB of float32.
TEST(TorchExecutor, AGrainIsWorthAThread) {
  EXPECT_EQ(threads_of(98, 1), 2U);
  EXPECT_EQ(threads_of(2 * 128, 128), 2U);
  EXPECT_EQ(threads_of(128, 128), 1U);
}

TEST(TorchExecutor, StaysOnTheCallersThreadInsideAParallelRegion) {
  std::atomic<int64_t> done{0};
  at::parallel_for(0, 2, 1, [&](int64_t first, int64_t last) {
    const auto caller = std::this_thread::get_id();
    for (int64_t i = first; i < last; ++i) {
      torch_executor().parallel_for(1 << 20, 256, [&](int64_t begin, int64_t end) {
        EXPECT_EQ(std::this_thread::get_id(), caller);
        done += end - begin;
      });
    }
  });
  EXPECT_EQ(done, 2 << 20);
}

TEST(TorchExecutor, ExceptionsReachTheCaller) {
  EXPECT_THROW(torch_executor().parallel_for(1 << 20, 256,
                                             [](int64_t begin, int64_t) {
                                               if (begin == 0) {
                                                 throw CodecError("broken");
                                               }
                                             }),
               CodecError);
}

TEST(TorchDType, GoesThereAndBack) {
  for (const auto type : {DType::kFloat32, DType::kBFloat16, DType::kFloat16, DType::kFloat64, DType::kBool,
                          DType::kUInt8, DType::kInt8, DType::kInt16, DType::kInt32, DType::kInt64}) {
    EXPECT_EQ(to_dtype(to_scalar_type(type)), type);
    EXPECT_EQ(static_cast<int64_t>(c10::elementSize(to_scalar_type(type))), dtype_bytes(type));
  }
}

TEST(TorchDType, TypesThatAreOnlyPassedThroughAreOther) {
  for (const auto type :
       {c10::kComplexFloat, c10::kQInt8, c10::kFloat8_e4m3fn, c10::kUInt16, c10::ScalarType::Undefined}) {
    EXPECT_EQ(to_dtype(type), DType::kOther);
  }
  EXPECT_THROW(to_scalar_type(DType::kOther), Error);
}

}  // namespace
}  // namespace cinch::backend
