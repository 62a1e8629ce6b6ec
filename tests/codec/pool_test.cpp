#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "tests/codec/values.h"

namespace cinch::testing {
namespace {

std::shared_ptr<const Codec> pool(int64_t block) { return make_codec({"pool", {{"block", block}}}); }

TEST(Pool, EqualsTheScalarReferenceOnEveryInstructionSet) {
  for (const DType dtype : kFloats) {
    for (const SideInfo& side : odd_grids(2)) {
      const Buffer data = floats(normal_values(values_in(side), 2.0, 1.0, 5), dtype);
      std::vector<float> x;
      for (int64_t e = 0; e < values_in(side); ++e) x.push_back(static_cast<float>(float_at(data.data(), e, dtype)));
      for (const int64_t block : {2, 4, 8}) {
        const std::vector<float> averages = block_averages(x, *side.grid, block);
        const Buffer expected = floats({averages.begin(), averages.end()}, dtype);
        on_every_instruction_set([&](const std::string&) {
          const auto payload = encode(*pool(block), extent_of(data, dtype), side);
          ASSERT_TRUE(payload.has_value());
          EXPECT_TRUE(decode(*pool(block), *payload, values_in(side), dtype) == expected);
        });
      }
    }
  }
}

// The bound that pool.md states.
TEST(Pool, ErrsByLessThanTheSpreadOfABlock) {
  for (const SideInfo& side : odd_grids(3)) {
    const std::vector<double> values = normal_values(values_in(side), 3.0, -2.0, 6);
    const auto [low, high] = std::minmax_element(values.begin(), values.end());
    const double largest = std::max(std::fabs(*low), std::fabs(*high));
    const std::vector<double> out = coded(values, *pool(4), DType::kFloat32, side);
    for (size_t e = 0; e < values.size(); ++e) {
      double least = values[e], most = values[e];
      const Place here = place_of(*side.grid, static_cast<int64_t>(e));
      for (size_t k = 0; k < values.size(); ++k) {
        const Place p = place_of(*side.grid, static_cast<int64_t>(k));
        if (p.map != here.map || p.d / 4 != here.d / 4 || p.h / 4 != here.h / 4 || p.w / 4 != here.w / 4) continue;
        least = std::min(least, values[k]);
        most = std::max(most, values[k]);
      }
      EXPECT_LE(std::fabs(out[e] - values[e]), most - least + largest * 0x1p-8);
    }
  }
}

TEST(Pool, SpecialValues) {
  const double nan = std::numeric_limits<double>::quiet_NaN(), inf = std::numeric_limits<double>::infinity();
  for (const DType dtype : kFloats) {
    for (const SideInfo& side : odd_grids(2)) {
      const auto n = static_cast<size_t>(values_in(side));
      for (const double bad : {nan, inf, -inf}) {
        for (const size_t place : {size_t{0}, n / 2, n - 1}) {
          std::vector<double> values(n, 1.0);
          values[place] = bad;
          on_every_instruction_set(
              [&](const std::string&) { EXPECT_TRUE(coded(values, *pool(2), dtype, side).empty()); });
        }
      }
      for (const double kept : {0.0, 1.0, -3.5})
        EXPECT_EQ(coded(std::vector<double>(n, kept), *pool(8), dtype, side), std::vector<double>(n, kept));
      for (const double tiny : {-0.0, 1e-40, -1e-40})
        for (const double v : coded(std::vector<double>(n, tiny), *pool(2), dtype, side)) {
          EXPECT_LE(std::fabs(v), 1e-38);
          EXPECT_FALSE(std::signbit(v));
        }
    }
  }
  const Buffer nothing(0);
  EXPECT_EQ(encode(*pool(2), {nothing.data(), 0, DType::kFloat16}, {})->size(), 64);
}

}  // namespace
}  // namespace cinch::testing
