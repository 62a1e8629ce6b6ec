// The bits of groups against every way to give them.
#include "src/codec/fixed_rate/allot.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
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

// What the thresholds stand for: raises one after the other, in the order of what they save. A kind of raise that is
// not affordable is not given any more.
std::vector<int> widths_one_by_one(const std::vector<Sides>& ranges, int64_t bits) {
  struct Item {
    size_t raise, group;
    double saves;
  };
  std::vector<int> widths;
  std::vector<Item> items;
  for (size_t g = 0; g < ranges.size(); ++g) {
    widths.push_back(ranges[g].step == 0 ? 0 : 1);
    bits -= widths.back();
    if (ranges[g].step == 0) continue;
    const double range = bf16_to_float(ranges[g].step);
    for (size_t i = 0; i < codec::kRaises.size(); ++i) items.push_back({i, g, codec::kRaises[i].saves * range * range});
  }
  std::stable_sort(items.begin(), items.end(), [](const Item& a, const Item& b) {
    return a.saves != b.saves ? a.saves > b.saves : a.raise < b.raise;
  });
  std::array<bool, 3> closed{};
  for (const Item& item : items) {
    if (bits < codec::kRaises[item.raise].bits) closed[item.raise] = true;
    if (closed[item.raise]) continue;
    bits -= codec::kRaises[item.raise].bits;
    widths[item.group] *= 2;
  }
  return widths;
}

TEST(Allotment, GivesRaisesInTheOrderOfWhatTheySave) {
  std::mt19937 random(2);
  for (int round = 0; round < 3000; ++round) {
    const auto groups = static_cast<int64_t>(1 + random() % (round % 10 == 0 ? 700 : 40));
    const double spread = std::array{0.01, 1.0, 6.0, 90.0}[static_cast<size_t>(round % 4)];
    std::uniform_real_distribution<double> exponent(-spread, spread);
    std::vector<double> values;
    for (int64_t i = 0; i < groups; ++i) {
      // To go from 1 bit to 2, and from 4 to 8 where the range is 85 / 3 times as large, save the same per bit.
      const double tie = random() % 2 == 0 ? 85 : 96;
      values.push_back(random() % 7 == 0 ? 0.0
                       : round % 3 == 0  ? std::ldexp(tie, static_cast<int>(random() % 12))
                                         : std::exp2(exponent(random)));
    }
    const std::vector<Sides> ranges = ranges_of(values);
    const auto bits = groups + static_cast<int64_t>(random() % static_cast<uint32_t>(7 * groups + 2));
    ASSERT_EQ(widths_of(ranges, bits), widths_one_by_one(ranges, bits)) << groups << " groups, " << bits << " bits";
  }
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
