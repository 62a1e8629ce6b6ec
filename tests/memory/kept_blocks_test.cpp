#include "src/memory/kept_blocks.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <memory>
#include <thread>
#include <vector>

namespace cinch::memory {
namespace {

// Blocks of any nominal size: nobody looks behind the node.
struct Block {
  alignas(64) std::array<std::byte, KeptBlocks::kNodeBytes> room;
};

TEST(KeptBlocks, GivesTheNewestOfExactlyThatSize) {
  KeptBlocks kept;
  std::array<Block, 4> b;
  EXPECT_EQ(kept.take(100), nullptr);
  for (Block& block : b) EXPECT_TRUE(kept.keep(&block, &block == &b[3] ? 200 : 100));
  EXPECT_EQ(kept.bytes(), 500);
  EXPECT_EQ(kept.take(150), nullptr);
  EXPECT_EQ(kept.take(100), &b[2]);
  EXPECT_EQ(kept.take(100), &b[1]);
  EXPECT_EQ(kept.take(200), &b[3]);
  EXPECT_EQ(kept.take(200), nullptr);
  EXPECT_TRUE(kept.keep(&b[2], 100));
  EXPECT_EQ(kept.take(100), &b[2]);
  EXPECT_EQ(kept.take(100), &b[0]);
  EXPECT_EQ(kept.take(100), nullptr);
  EXPECT_EQ(kept.bytes(), 0);
}

TEST(KeptBlocks, GivesBackTheOldestFirst) {
  KeptBlocks kept;
  std::array<Block, 5> b;
  for (size_t i = 0; i < b.size(); ++i) EXPECT_TRUE(kept.keep(&b[i], i % 2 == 0 ? 10 : 20));
  EXPECT_EQ(kept.take(20), &b[3]);  // from the middle
  EXPECT_EQ(kept.bytes(), 50);
  EXPECT_EQ(kept.take_beyond(50), nullptr);
  EXPECT_EQ(kept.take_beyond(49), &b[0]);
  EXPECT_EQ(kept.take_beyond(49), nullptr);
  EXPECT_EQ(kept.take_beyond(0), &b[1]);
  EXPECT_EQ(kept.take(20), nullptr);
  EXPECT_EQ(kept.take_beyond(-5), &b[2]);
  EXPECT_EQ(kept.take_beyond(0), &b[4]);
  EXPECT_EQ(kept.take_beyond(-5), nullptr) << "nothing is left";
  EXPECT_EQ(kept.bytes(), 0);
}

// Payloads of an entropy coder have other sizes in every step: what is gone must leave nothing behind.
TEST(KeptBlocks, ForgetsSizesOfWhichNothingIsLeft) {
  KeptBlocks kept;
  std::array<Block, 3> b;
  for (int64_t n = 1; n <= 1000; ++n) {
    EXPECT_TRUE(kept.keep(&b[0], n));
    EXPECT_TRUE(kept.keep(&b[1], n));
    EXPECT_TRUE(kept.keep(&b[2], 2000 + n));
    EXPECT_EQ(kept.sizes(), 2U);
    EXPECT_EQ(kept.take(n), &b[1]);
    EXPECT_EQ(kept.sizes(), 2U) << "one of it is left";
    EXPECT_EQ(kept.take_beyond(0), &b[0]);
    EXPECT_EQ(kept.take(2000 + n), &b[2]);
    EXPECT_EQ(kept.sizes(), 0U);
  }
}

// As a heap of many sizes, with a plain model beside it.
TEST(KeptBlocks, IsAListForEachSizeAndOneOfAll) {
  KeptBlocks kept;
  std::vector<Block> blocks(64);
  std::vector<std::pair<Block*, int64_t>> model;  // oldest first
  std::vector<Block*> free;
  for (Block& block : blocks) free.push_back(&block);
  uint32_t random = 1;
  const auto next = [&](uint32_t n) { return (random = random * 1664525U + 1013904223U, (random >> 8) % n); };
  int64_t bytes = 0;
  for (int i = 0; i < 20000; ++i) {
    const int64_t size = 1 + next(6);
    if (next(2) == 0 && !free.empty()) {
      ASSERT_TRUE(kept.keep(free.back(), size));
      model.emplace_back(free.back(), size);
      free.pop_back();
      bytes += size;
    } else if (next(4) != 0) {
      auto found = model.rbegin();
      while (found != model.rend() && found->second != size) ++found;
      void* const taken = kept.take(size);
      ASSERT_EQ(taken, found == model.rend() ? nullptr : found->first) << i;
      if (taken == nullptr) continue;
      free.push_back(found->first);
      model.erase(std::next(found).base());
      bytes -= size;
    } else {
      void* const taken = kept.take_beyond(20);
      ASSERT_EQ(taken, bytes > 20 ? model.front().first : nullptr) << i;
      if (taken == nullptr) continue;
      bytes -= model.front().second;
      free.push_back(model.front().first);
      model.erase(model.begin());
    }
    ASSERT_EQ(kept.bytes(), bytes);
  }
}

TEST(KeptBlocks, IsForManyThreads) {
  KeptBlocks kept;
  std::vector<Block> blocks(400);
  std::vector<std::thread> threads;
  std::atomic<int> gone{0};
  for (size_t t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (size_t i = 0; i < 100; ++i) {
        EXPECT_TRUE(kept.keep(&blocks[t * 100 + i], static_cast<int64_t>(1 + i % 3)));
        if (i % 2 != 0 && kept.take(static_cast<int64_t>(1 + i % 3)) != nullptr) ++gone;
        if (i % 5 == 0 && kept.take_beyond(10) != nullptr) ++gone;
      }
    });
  for (std::thread& thread : threads) thread.join();
  while (kept.take_beyond(0) != nullptr) ++gone;
  EXPECT_EQ(gone, 400);
  EXPECT_EQ(kept.bytes(), 0);
}

}  // namespace
}  // namespace cinch::memory
