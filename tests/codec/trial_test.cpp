// What a trial of a part says of a whole tensor whose error lies in a few images and channels.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "src/codec/trial_sample.h"
#include "tests/codec/values.h"

namespace cinch::testing {
namespace {

// Images and channels of very different scale, as activations have them: standard deviations of their logarithms.
constexpr double kChannelSpread = 0.5;
Buffer uneven(const Grid& g, double image_spread) {
  const int64_t slab = g.sides[0] * g.sides[1] * g.sides[2] * g.inner;
  const auto scales_of = [](int64_t n, double spread, uint32_t seed) {
    std::vector<double> scales = normal_values(n, spread, 0.0, seed);
    for (double& s : scales) s = std::exp(s);
    return scales;
  };
  const auto image = scales_of(g.outer / g.channels, image_spread, 1),
             channel = scales_of(g.channels * g.inner, kChannelSpread, 2);
  std::vector<double> values = normal_values(g.outer * slab, 1.0, 0.0, 3);
  for (int64_t i = 0; i < std::ssize(values); ++i) {
    const int64_t s = i / slab;
    values[static_cast<size_t>(i)] *= image[static_cast<size_t>(s / g.channels)] *
                                      channel[static_cast<size_t>(s % g.channels * g.inner + i % g.inner)];
  }
  return floats(values, DType::kFloat32);
}

double whole_error(const Codec& codec, const Buffer& data, const SideInfo& side) {
  return try_on_sample(codec, extent_of(data, DType::kFloat32), side, {}, values_in(side))->mean_square_error;
}

struct Row {
  CodecSpec spec;
  // Methods that look at channels see few images of many channels.
  double image_spread;
};
void PrintTo(const Row& row, std::ostream* out) { *out << to_string(row.spec); }

class Trials : public ::testing::TestWithParam<Row> {};

TEST_P(Trials, TellTheErrorOfUnevenChannelsWithinAFifth) {
  const auto codec = make_codec(GetParam().spec);
  for (const Grid& g :
       {Grid{64 * 48, {1, 28, 28}, 1, 48}, Grid{64 * 256, {1, 7, 7}, 1, 256}, Grid{48, {1, 1, 128}, 192, 1},
        Grid{16 * 32, {4, 28, 28}, 1, 32}, Grid{64, {1, 56, 56}, 1, 16}}) {
    SideInfo side;
    side.grid = g;
    const Buffer data = uneven(g, GetParam().image_spread);
    const double whole = whole_error(*codec, data, side);
    for (const int64_t samples : {32768, 65536}) {
      const auto trial = try_on_sample(*codec, extent_of(data, DType::kFloat32), side, {}, samples);
      ASSERT_TRUE(trial) << g.outer << " " << g.sides[1] << " " << samples;
      EXPECT_NEAR(std::sqrt(trial->mean_square_error / whole), 1, 0.2)
          << g.sides[0] << "x" << g.sides[1] << "x" << g.sides[2] << "x" << g.inner << ", " << samples;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(, Trials,
                         ::testing::Values(Row{{"lfc", {}}, 0.5}, Row{{"pool", {{"block", int64_t{4}}}}, 0.5},
                                           Row{{"fixed_point", {{"bits", int64_t{4}}}}, 0.2},
                                           Row{{"dither", {{"predict", std::string("channel")}}}, 0.2},
                                           Row{{"dither", {{"predict", std::string("lorenzo")}}}, 0.5},
                                           Row{{"error_bound", {{"bound", 0.03}}}, 0.5}, Row{{"group_quant", {}}, 0.5},
                                           Row{{"dither", {}}, 0.5}),
                         [](const auto& param_info) {
                           return param_info.param.spec.name + std::to_string(param_info.index);
                         });

// Each value names its channel.
TEST(TrialSample, TakesTheSameChannelsOfSeveralImages) {
  for (const Grid& g :
       {Grid{64 * 1280, {1, 7, 7}, 1, 1280}, Grid{8 * 3, {1, 224, 224}, 1, 3}, Grid{1, {1, 1, 8192}, 96, 1},
        Grid{16 * 64, {1, 28, 28}, 1, 64}, Grid{6, {1, 1, 1}, 1, 2}, Grid{1, {1, 1, 60}, 50000, 1}}) {
    SideInfo side;
    side.grid = g;
    std::vector<double> values(static_cast<size_t>(values_in(side)));
    const int64_t slab = values_in(side) / g.outer;
    for (int64_t i = 0; i < std::ssize(values); ++i)
      values[static_cast<size_t>(i)] = static_cast<double>(i / slab % g.channels * g.inner + i % g.inner);
    const Buffer data = floats(values, DType::kFloat32);
    constexpr int64_t kMost = 262144;
    const codec::TrialSample sample = codec::sample_channels(extent_of(data, DType::kFloat32), side, kMost);
    const Grid& part = *sample.side.grid;
    EXPECT_EQ(sample.values.numel, values_in(sample.side));
    EXPECT_LE(sample.values.numel, kMost);
    const int64_t positions = part.sides[0] * part.sides[1] * part.sides[2];
    if (values_in(side) / (g.channels * g.inner) >= 256) {
      EXPECT_GE(part.outer / part.channels * positions, 256) << "values of a channel";
    }
    if (g.channels * g.inner > 1) {
      EXPECT_GT(part.channels * part.inner, 1);
    }
    for (int64_t i = 0; i < sample.values.numel; ++i) {
      const int64_t s = i / (positions * part.inner);
      const int64_t same = s % part.channels * positions * part.inner + i % (positions * part.inner);
      EXPECT_EQ(float_at(sample.values.data, i, DType::kFloat32), float_at(sample.values.data, same, DType::kFloat32))
          << "another channel";
    }
  }
}

// Each value names where it lies.
TEST(TrialSample, TakesPiecesOfTheTensorInOrder) {
  for (const Grid& g : {Grid{6, {1, 13, 27}, 1, 3}, Grid{2, {3, 40, 30}, 1, 1}, Grid{1, {1, 1, 3000}, 40, 1},
                        Grid{4, {1, 1, 19}, 40, 2}, Grid{1, {1, 1, 1}, 5000, 1}, Grid{9, {5, 6, 11}, 2, 3}}) {
    SideInfo side;
    side.grid = g;
    std::vector<double> values(static_cast<size_t>(values_in(side)));
    for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<double>(i);
    const Buffer data = floats(values, DType::kFloat32);
    const int64_t most = values_in(side) / 3;
    const codec::TrialSample sample = codec::sample_maps(extent_of(data, DType::kFloat32), side, most);
    const Grid& part = *sample.side.grid;
    EXPECT_EQ(sample.values.numel, values_in(sample.side));
    EXPECT_LE(sample.values.numel, most);
    EXPECT_GE(sample.values.numel, most / 4);
    std::vector<int64_t> firsts;
    for (int64_t i = 0; i < sample.values.numel; ++i) {
      const auto at = [&](int64_t k) { return static_cast<int64_t>(float_at(sample.values.data, k, DType::kFloat32)); };
      const int64_t slab = part.sides[0] * part.sides[1] * part.sides[2] * part.inner, within = i % slab;
      if (within == 0) firsts.push_back(at(i));
      // Neighbours along each axis of the piece are neighbours of the tensor.
      const int64_t row = part.sides[2] * part.inner;
      if (within % part.inner > 0) {
        EXPECT_EQ(at(i), at(i - 1) + 1);
      }
      if (within % row >= part.inner) {
        EXPECT_EQ(at(i), at(i - part.inner) + g.inner);
      }
      if (within % (part.sides[1] * row) >= row) {
        EXPECT_EQ(at(i), at(i - row) + g.sides[2] * g.inner);
      }
      EXPECT_EQ(at(i) / (values_in(side) / g.outer), firsts.back() / (values_in(side) / g.outer)) << "left its slab";
    }
    EXPECT_TRUE(std::ranges::is_sorted(firsts));
    EXPECT_EQ(std::ranges::adjacent_find(firsts), firsts.end()) << "a piece twice";
  }
}

// The last inner indices too, and planes of volumes down to whole blocks.
TEST(TrialSample, LeavesNoEndOut) {
  SideInfo tokens, volumes;
  tokens.grid = Grid{64, {1, 7, 7}, 64, 1};
  volumes.grid = Grid{16, {8, 56, 56}, 1, 1};
  constexpr int64_t kMost = 32768;
  std::vector<double> inner(static_cast<size_t>(values_in(tokens)));
  for (size_t i = 0; i < inner.size(); ++i) inner[i] = static_cast<double>(i % 64);
  const Buffer data = floats(inner, DType::kFloat32);
  const codec::TrialSample sample = codec::sample_maps(extent_of(data, DType::kFloat32), tokens, kMost);
  std::vector<bool> met(64);
  for (int64_t i = 0; i < sample.values.numel; ++i)
    met[static_cast<size_t>(float_at(sample.values.data, i, DType::kFloat32))] = true;
  EXPECT_EQ(std::ranges::count(met, true), 64);
  const Buffer zeros = floats(std::vector<double>(static_cast<size_t>(values_in(volumes))), DType::kFloat32);
  const codec::TrialSample part = codec::sample_maps(extent_of(zeros, DType::kFloat32), volumes, kMost);
  EXPECT_EQ(part.side.grid->sides[0], 8);
}

}  // namespace
}  // namespace cinch::testing
