// Interned sites, many of them, as metrics read them while training adds more.
#include "hooks/sites.h"

#include <gtest/gtest.h>

#include <thread>

namespace cinch::hooks {
namespace {

constexpr int64_t kMany = 5000;

void add(Sites& sites, int64_t begin, int64_t end) {
  const int32_t layer = sites.intern_layer("layer");
  for (int64_t i = begin; i < end; ++i) sites.intern(layer, op_info("aten::sin"), i, 0);
}

void expect_first(const Sites& sites, const std::vector<const Site*>& got, size_t count) {
  ASSERT_EQ(got.size(), count);
  for (size_t i = 0; i < count; ++i) {
    EXPECT_EQ(got[i], &sites[static_cast<SiteId>(i)]);
    EXPECT_EQ(got[i]->occurrence, static_cast<int64_t>(i));
  }
}

TEST(Sites, FirstOnesAreInOrderAndNoMoreThanThereAre) {
  Sites sites;
  EXPECT_TRUE(sites.first(3).empty());
  add(sites, 0, kMany);
  for (const size_t count : {0, 1, 1023, 1024, 1025, 2048, 4999, 5000}) expect_first(sites, sites.first(count), count);
  expect_first(sites, sites.first(kMany + 1), kMany);
}

TEST(Sites, AreReadWhileOthersAreAdded) {
  Sites sites;
  add(sites, 0, kMany);
  std::thread adding([&] { add(sites, kMany, 4 * kMany); });
  for (int i = 0; i < 50; ++i) {
    const auto got = sites.first(2 * kMany);
    EXPECT_GE(got.size(), static_cast<size_t>(kMany));
    expect_first(sites, got, got.size());
  }
  adding.join();
  expect_first(sites, sites.first(2 * kMany), 2 * kMany);
}

}  // namespace
}  // namespace cinch::hooks
