#include "src/report/timeline.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace cinch::report {
namespace {

TEST(KeptInstants, AreAllOfThemWhereThereIsRoom) {
  EXPECT_EQ(kept_instants({{5, 1, 4, 1, 5}}, 5), (std::vector<int32_t>{0, 1, 2, 3, 4}));
  EXPECT_EQ(kept_instants({{7}}, 900), (std::vector<int32_t>{0}));
  EXPECT_TRUE(kept_instants({{}}, 900).empty());
  EXPECT_TRUE(kept_instants({}, 900).empty());
}

TEST(KeptInstants, HaveTheHighestAndLowestOfEachCurveAndTheEnds) {
  std::mt19937_64 random(3);
  for (const size_t instants : {901u, 5000u, 123457u}) {
    std::vector<std::vector<int64_t>> curves(2, std::vector<int64_t>(instants));
    for (auto& curve : curves)
      for (int64_t& bytes : curve) bytes = static_cast<int64_t>(random() % 1000000);
    const auto kept = kept_instants(curves, 900);
    EXPECT_LE(kept.size(), 902u);
    EXPECT_GE(kept.size(), 600u);
    EXPECT_TRUE(std::ranges::is_sorted(kept));
    EXPECT_EQ(kept.front(), 0);
    EXPECT_EQ(kept.back(), static_cast<int32_t>(instants - 1));
    for (const auto& curve : curves) {
      const auto has = [&](int64_t bytes) {
        return std::ranges::any_of(kept, [&](int32_t at) { return curve[static_cast<size_t>(at)] == bytes; });
      };
      EXPECT_TRUE(has(*std::ranges::max_element(curve)));
      EXPECT_TRUE(has(*std::ranges::min_element(curve)));
    }
  }
}

TEST(KeptInstants, ASpikeAnywhereStays) {
  for (size_t spike = 0; spike < 4000; spike += 37) {
    std::vector<std::vector<int64_t>> curves(1, std::vector<int64_t>(4000, 10));
    curves[0][spike] = 11;
    const auto kept = kept_instants(curves, 100);
    EXPECT_NE(std::ranges::find(kept, static_cast<int32_t>(spike)), kept.end()) << spike;
  }
}

}  // namespace
}  // namespace cinch::report
