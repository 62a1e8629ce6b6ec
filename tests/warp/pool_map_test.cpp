// The arithmetic of windows in 32 bits against the CPU codec's in 64, where numbers are large.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "src/codec/lossless/pool_map.h"

namespace cinch::testing {
namespace {

using namespace cinch::codec;

constexpr int64_t kLargest = (int64_t{1} << 29) - 1;

// Of the sizes that is_usable allows, up to the largest.
PoolGeometry random_geometry(std::mt19937_64& random) {
  const auto up_to = [&](int64_t most) {
    // As often small as large.
    const int64_t bound = std::max<int64_t>(1, most >> random() % 30);
    return 1 + static_cast<int64_t>(random() % static_cast<uint64_t>(bound));
  };
  PoolGeometry p;
  p.channels_last = random() % 2 == 0;
  p.channels = up_to(100'000);
  p.planes = p.channels * up_to(5000);
  p.out_h = up_to(kLargest), p.out_w = up_to(kLargest);
  p.stride_h = up_to((int64_t{1} << 31) / p.out_h), p.stride_w = up_to((int64_t{1} << 31) / p.out_w);
  p.stride_h = std::min(p.stride_h, kLargest), p.stride_w = std::min(p.stride_w, kLargest);
  p.kernel_h = up_to(32), p.kernel_w = up_to(32);
  p.in_w = up_to(kLargest), p.in_h = up_to(std::min(kLargest, (int64_t{1} << 40) / p.in_w));
  p.dilation_w = up_to(100'000), p.dilation_h = up_to(100'000);
  p.pad_h = up_to(1000) - 1, p.pad_w = up_to(1000) - 1;
  return p;
}

bool checkable(const PoolGeometry& p) {
  const unsigned __int128 numel = static_cast<unsigned __int128>(p.planes) * static_cast<uint64_t>(p.out_h * p.out_w);
  return numel < (uint64_t{1} << 56) && is_usable(p, static_cast<int64_t>(numel)) && is_mappable(p);
}

TEST(PoolMap, FindsTheWindowsOfTheCpuBeyondTwoToThe31) {
  std::mt19937_64 random(1);
  int64_t checked = 0, far = 0;
  while (checked < 3000) {
    const PoolGeometry p = random_geometry(random);
    if (!checkable(p)) continue;
    ++checked;
    const PoolMap map = map_of(store(p));
    const int64_t numel = p.planes * p.out_h * p.out_w;
    int64_t element = static_cast<int64_t>(random() % static_cast<uint64_t>(numel));
    const auto by = static_cast<uint32_t>(random() % 1024);
    EXPECT_EQ(base_of(map, place_at(map, element)), PoolWalk(p, element).next(1).base);
    PoolPlace place = moved(map, place_at(map, element), by);
    element = (element + by) % numel;
    for (int i = 0; i < 4; ++i) {
      ASSERT_EQ(base_of(map, place), PoolWalk(p, element).next(1).base) << "element " << element;
      advance(map, place);
      element = (element + 1) % numel;
    }
    far += element > (int64_t{1} << 31) && base_of(map, place) > (int64_t{1} << 31) ? 1 : 0;
  }
  EXPECT_GT(far, 100) << "large numbers were hardly met";
}

TEST(PoolMap, FindsTheCellsOfTheCpu) {
  std::mt19937_64 random(2);
  int64_t checked = 0, none = 0;
  while (checked < 500) {
    const PoolGeometry p = random_geometry(random);
    if (!checkable(p)) continue;
    ++checked;
    const PoolMap map = map_of(store(p));
    const PoolTable table(p);
    const auto agree = [&](int64_t distance) {
      const uint64_t expected = table.code<false>(distance);
      const uint32_t cell = cell_at(map, static_cast<uint64_t>(distance));
      ASSERT_EQ(cell, expected == PoolTable::kNoCell ? kNoCell : expected) << distance;
      none += cell == kNoCell ? 1 : 0;
    };
    for (int64_t cell = 0; cell < table.cells(); ++cell) {
      const int64_t distance = table.distance(cell);
      ASSERT_EQ(distance_of(map, static_cast<uint32_t>(cell)), static_cast<uint64_t>(distance));
      for (const int64_t off : {-1, 0, 1}) agree(distance + off);
      agree(-distance);
    }
    for (int i = 0; i < 50; ++i) agree(static_cast<int64_t>(random() % (2 * uint64_t{map.span} + 2)));
    for (int i = 0; i < 50; ++i) agree(static_cast<int64_t>(random()));
  }
  EXPECT_GT(none, 1000);
}

TEST(PoolMap, LeavesWindowsOverTwoToThe31ElementsToTheCpu) {
  PoolGeometry p;
  p.planes = 1, p.in_h = 64, p.in_w = 1 << 28, p.out_h = p.out_w = 1;
  p.kernel_h = 8, p.kernel_w = 2;
  EXPECT_TRUE(is_mappable(p)) << "7 rows and 1 element";
  p.kernel_h = 9;
  EXPECT_FALSE(is_mappable(p));
  p.kernel_h = 2, p.dilation_h = 8;
  EXPECT_FALSE(is_mappable(p));
  p.kernel_h = 1;
  EXPECT_TRUE(is_mappable(p));
  EXPECT_EQ(cell_at(map_of(store(p)), 1), 1u);
}

}  // namespace
}  // namespace cinch::testing
