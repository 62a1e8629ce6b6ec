// The bits of groups against every way to give them.
#include "src/codec/fixed_rate/allot.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace cinch::testing {
namespace {

using codec::Allotment;
using codec::Sides;

std::vector<Sides> ranges_of(const std::vector<double>& ranges) {
  std::vector<Sides> sides;
  for (const double r : ranges) sides.push_back({0, float_to_bf16(static_cast<float>(r))});
  return sides;
}

double error_of(Sides s, int bits) {
  const double range = bf16_to_float(s.step), levels = (1 << bits) - 1;
  return range * range / levels / levels;
}

std::vector<int> widths_of(const std::vector<Sides>& ranges, int64_t bits) {
  Allotment allotment(ranges, bits);
  std::vector<int> widths;
  for (const Sides s : ranges) widths.push_back(allotment.next(s.step));
  return widths;
}

struct Outcome {
  int64_t bits = 0;
  double error = 0;
};
Outcome outcome_of(const std::vector<Sides>& ranges, const std::vector<int>& widths) {
  Outcome o;
  for (size_t i = 0; i < ranges.size(); ++i) {
    o.bits += widths[i];
    if (widths[i] > 0) o.error += error_of(ranges[i], widths[i]);
  }
  return o;
}

// best[n]: least error of all the ways to give at most n bits to groups that are not constant, one at least to each.
std::vector<double> best_of(const std::vector<Sides>& ranges, int64_t bits) {
  const double never = std::numeric_limits<double>::infinity();
  std::vector<double> best(static_cast<size_t>(bits) + 1, 0.0);
  for (const Sides s : ranges) {
    if (s.step == 0) continue;
    std::vector<double> next(best.size(), never);
    for (size_t n = 0; n < best.size(); ++n)
      for (const int width : {1, 2, 4, 8})
        if (static_cast<size_t>(width) <= n)
          next[n] = std::min(next[n], best[n - static_cast<size_t>(width)] + error_of(s, width));
    best = next;
  }
  return best;
}

// A raise costs at most 4 bits, so at most 3 are left that buy nothing better.
TEST(Allotment, IsTheBestOfAllForTheBitsThatItCanSpend) {
  std::mt19937 random(1);
  std::uniform_real_distribution<double> exponent(-6, 6);
  int exact = 0, cases = 0;
  for (int round = 0; round < 60; ++round) {
    const auto groups = static_cast<int64_t>(1 + random() % 9);
    std::vector<double> values;
    for (int64_t i = 0; i < groups; ++i) values.push_back(random() % 6 == 0 ? 0.0 : std::exp2(exponent(random)));
    if (round % 3 == 0) values.back() = values.front();
    const std::vector<Sides> ranges = ranges_of(values);
    const std::vector<double> best = best_of(ranges, 8 * groups);
    for (int64_t bits = groups; bits <= 8 * groups; ++bits) {
      const Outcome o = outcome_of(ranges, widths_of(ranges, bits));
      ASSERT_LE(o.bits, bits);
      ASSERT_GE(o.error, best[static_cast<size_t>(bits)] * (1 - 1e-12));
      if (bits >= groups + 3) {
        ASSERT_LE(o.error, best[static_cast<size_t>(bits - 3)] * (1 + 1e-12));
      }
      exact += o.error <= best[static_cast<size_t>(bits)] * (1 + 1e-12);
      ++cases;
    }
  }
  EXPECT_GT(exact, cases * 3 / 4) << cases;
}

TEST(Allotment, GivesEqualGroupsTheSame) {
  for (const int bits : {1, 2, 4, 8}) {
    const std::vector<Sides> ranges = ranges_of(std::vector<double>(50, 3.0));
    EXPECT_EQ(widths_of(ranges, 50 * bits), std::vector<int>(50, bits));
  }
}

TEST(Allotment, SpendsWhatIsLeftAmongEqualsInTheirOrder) {
  const std::vector<Sides> ranges = ranges_of({3, 3, 1000, 3, 3});
  EXPECT_EQ(widths_of(ranges, 10), (std::vector<int>{2, 2, 4, 1, 1}));
  EXPECT_EQ(widths_of(ranges, 11), (std::vector<int>{2, 2, 4, 2, 1})) << "4 more bits for the wide group are not there";
  EXPECT_EQ(widths_of(ranges, 13), (std::vector<int>{2, 1, 8, 1, 1}));
}

TEST(Allotment, GivesConstantGroupsNothing) {
  EXPECT_EQ(widths_of(ranges_of({0, 1, 0, 1}), 4), (std::vector<int>{0, 2, 0, 2}));
  EXPECT_EQ(widths_of(ranges_of({0, 0}), 16), (std::vector<int>{0, 0}));
  EXPECT_EQ(widths_of({}, 0), (std::vector<int>{}));
  EXPECT_EQ(widths_of(ranges_of({0, 7}), 16), (std::vector<int>{0, 8})) << "no width is beyond 8 bits";
}

TEST(Allotment, WorksAtTheEndsOfTheRangesThereAre) {
  const double low = codec::kSmallestRange, high = 2.0 * codec::kLargestCoded;
  EXPECT_EQ(widths_of(ranges_of({low, high}), 6), (std::vector<int>{2, 4}));
  EXPECT_EQ(widths_of(ranges_of({low, high}), 9), (std::vector<int>{1, 8}));
  EXPECT_EQ(widths_of(ranges_of({low, high}), 16), (std::vector<int>{8, 8}));
}

}  // namespace
}  // namespace cinch::testing
