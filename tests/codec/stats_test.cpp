#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "cinch/error.h"
#include "tests/contract/support.h"

namespace cinch::testing {
namespace {

TEST(Stats, OfASmallTensorAreExact) {
  const Buffer data = floats({1, 2, 3, 0, -6}, DType::kFloat32);
  const TensorStats s = compute_stats({data.data(), 5, DType::kFloat32});
  EXPECT_EQ(s.sampled, 5);
  EXPECT_EQ(s.mean, 0);
  EXPECT_DOUBLE_EQ(s.variance, 10);
  EXPECT_EQ(s.min, -6);
  EXPECT_EQ(s.max, 3);
  EXPECT_EQ(s.zero_fraction, 0.2);
  EXPECT_EQ(s.mean_square_group_range, 81);
  EXPECT_TRUE(s.finite);
}

TEST(Stats, TellHowGroupRangesAreSpread) {
  std::vector<double> values(static_cast<size_t>(40 * 256), 0.0);
  for (size_t g = 0; g < 40; ++g)
    values[g * 256 + g % 7] = static_cast<double>(g * 7 % 40);  // ranges 0 to 39, shuffled
  const Buffer data = floats(values, DType::kFloat32);
  const TensorStats s = compute_stats({data.data(), 40 * 256, DType::kFloat32});
  // Each part has 2.5 groups: 0, 1 and half of 2; the other half of it, 3 and 4.
  EXPECT_DOUBLE_EQ(s.square_group_ranges[0], (0 + 1 + 0.5 * 4) / 2.5);
  EXPECT_DOUBLE_EQ(s.square_group_ranges[1], (0.5 * 4 + 9 + 16) / 2.5);
  EXPECT_DOUBLE_EQ(s.square_group_ranges[15], (0.5 * 37 * 37 + 38 * 38 + 39 * 39) / 2.5);
  double mean = 0;
  for (const double square : s.square_group_ranges) mean += square / TensorStats::kRangeParts;
  EXPECT_DOUBLE_EQ(mean, s.mean_square_group_range);

  const TensorStats one = compute_stats({data.data(), 255, DType::kFloat32});
  for (const double square : one.square_group_ranges) EXPECT_EQ(square, one.mean_square_group_range);
}

TEST(Stats, OfASampleAreNearThoseOfTheWhole) {
  std::mt19937 random(1);
  std::normal_distribution<double> normal(100, 2);
  std::vector<double> values(1 << 20);
  for (double& v : values) v = normal(random);
  for (const DType d : {DType::kFloat32, DType::kFloat16, DType::kFloat64}) {
    const Buffer data = floats(values, d);
    const TensorStats s = compute_stats({data.data(), 1 << 20, d});
    EXPECT_EQ(s.sampled, 65536);
    EXPECT_NEAR(s.mean, 100, 0.06);  // 7 sigma
    EXPECT_NEAR(s.variance, 4, 0.16);
  }
}

TEST(Stats, SamplesAreSpreadOverTheWholeTensor) {
  std::vector<int64_t> values(1 << 18);
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<int64_t>(i);
  const Buffer data = integers(values, DType::kInt64);
  const TensorStats s = compute_stats({data.data(), 1 << 18, DType::kInt64}, 4096);
  EXPECT_EQ(s.sampled, 4096);
  EXPECT_EQ(s.min, 0);
  EXPECT_GT(s.max, (1 << 18) * 0.9);
}

TEST(Stats, AreThoseOfTheGatheredGroups) {
  for (const int64_t numel : {1, 255, 4096, 4097, 7001, 100'000}) {
    std::vector<int64_t> values(static_cast<size_t>(numel));
    for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<int64_t>((i * 7919) % 1009);
    const Buffer whole = integers(values, DType::kInt64);
    const SampledGroups groups = sampled_groups(numel, 4096);
    EXPECT_LE(groups.count * kStatsGroup, 4096);
    EXPECT_GT((groups.count * groups.stride) * kStatsGroup, numel - groups.stride * kStatsGroup)
        << "the end is left out";
    std::vector<int64_t> gathered;
    for (int64_t g = 0; g < groups.count; ++g)
      for (int64_t i = g * groups.stride * kStatsGroup, end = std::min(i + kStatsGroup, numel); i < end; ++i)
        gathered.push_back(values[static_cast<size_t>(i)]);
    const Buffer part = integers(gathered, DType::kInt64);
    const TensorStats a = compute_stats({whole.data(), numel, DType::kInt64}, 4096);
    const TensorStats b = compute_stats({part.data(), static_cast<int64_t>(gathered.size()), DType::kInt64}, 4096);
    EXPECT_EQ(a.sampled, b.sampled) << numel;
    EXPECT_EQ(a.min, b.min);
    EXPECT_EQ(a.max, b.max);
    EXPECT_EQ(a.zero_fraction, b.zero_fraction);
  }
}

TEST(Stats, SurviveALargeMean) {
  std::vector<double> values(512);
  for (size_t i = 0; i < 512; ++i) values[i] = 1e9 + static_cast<double>(i % 2);
  const Buffer data = floats(values, DType::kFloat64);
  EXPECT_NEAR(compute_stats({data.data(), 512, DType::kFloat64}).variance, 0.25, 1e-12);
}

TEST(Stats, SkipNanAndInf) {
  const double nan = std::numeric_limits<double>::quiet_NaN(), inf = std::numeric_limits<double>::infinity();
  const Buffer data = floats({nan, 1, inf, 3, -inf}, DType::kBFloat16);
  const TensorStats s = compute_stats({data.data(), 5, DType::kBFloat16});
  EXPECT_FALSE(s.finite);
  EXPECT_EQ(s.mean, 2);
  EXPECT_EQ(s.max, 3);
  const Buffer none = floats({nan}, DType::kFloat32);
  EXPECT_FALSE(compute_stats({none.data(), 1, DType::kFloat32}).finite);
}

TEST(Stats, OfIntegersAndNothing) {
  const Buffer data = integers({-3, 0, 0, 9}, DType::kInt8);
  const TensorStats s = compute_stats({data.data(), 4, DType::kInt8});
  EXPECT_EQ(s.min, -3);
  EXPECT_EQ(s.max, 9);
  EXPECT_EQ(s.zero_fraction, 0.5);
  EXPECT_EQ(compute_stats({nullptr, 0, DType::kFloat32}).sampled, 0);
  EXPECT_THROW(compute_stats({nullptr, 1, DType::kFloat32}), CodecError);
  EXPECT_THROW(compute_stats({data.data(), 1, DType::kOther}), CodecError);
}

TEST(Registry, KnowsEveryMethodThatStoresValues) {
  for (const char* name : {"mask", "bits", "int", "group_quant", "lfc", "pool", "fixed_point", "cast", "dither"})
    EXPECT_EQ(make_codec({name, {}})->spec().name, name);
  EXPECT_EQ(make_codec({"group_quant", {}})->spec().get_int("group", 0), 256);
  for (const char* name : {"keep", "shape", "offload", "zip"}) EXPECT_THROW(make_codec({name, {}}), CodecError);
  EXPECT_THROW(make_codec({"group_quant", {{"bits", int64_t{3}}}}), CodecError);
}

}  // namespace
}  // namespace cinch::testing
