// dither with a mean and a step for each channel.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "cinch/error.h"
#include "tests/contract/support.h"

namespace cinch::testing {
namespace {

constexpr auto kInfinity = std::numeric_limits<double>::infinity();
constexpr int64_t kImages = 8, kChannels = 64, kPositions = 14 * 14, kValues = kImages * kChannels * kPositions;

std::shared_ptr<const Codec> dither(double step, const char* predict) {
  return make_codec({"dither", {{"step_sigma", step}, {"predict", std::string(predict)}}});
}

SideInfo planes() {
  SideInfo side;
  side.grid = Grid{kImages * kChannels, {1, 14, 14}, 1, kChannels};
  return side;
}

int64_t channel_of(int64_t i) { return i / kPositions % kChannels; }
double sigma_of(int64_t channel) { return std::exp2(static_cast<double>(channel % 8) - 4); }
double mean_of(int64_t channel) { return static_cast<double>(channel % 5) - 2; }

std::vector<double> images(bool relu = false) {
  std::mt19937 random(1);
  std::normal_distribution<double> draw;
  std::vector<double> values;
  for (int64_t i = 0; i < kValues; ++i) {
    const int64_t c = channel_of(i);
    const double v = (relu ? 0.0 : mean_of(c)) + sigma_of(c) * draw(random);
    values.push_back(relu ? std::max(v, 0.0) : v);
  }
  return values;
}

struct Coded {
  Buffer payload, out;
};
Coded there_and_back(const Codec& codec, const std::vector<double>& values, DType dtype = DType::kFloat32,
                     const SideInfo& side = planes(), uint64_t seed = 0) {
  const auto n = static_cast<int64_t>(values.size());
  const Buffer in = floats(values, dtype);
  CodecContext context;
  context.seed = seed;
  auto payload = encode(codec, {in.data(), n, dtype}, side, context);
  if (!payload) throw std::runtime_error("declined");
  Buffer out = decode(codec, *payload, n, dtype);
  return {std::move(*payload), std::move(out)};
}

TEST(DitherChannel, EachChannelHasLevelsOfItsOwn) {
  const auto values = images();
  const Coded coded = there_and_back(*dither(1.0, "channel"), values);
  std::vector<double> squares(kChannels);
  for (int64_t i = 0; i < kValues; ++i)
    squares[static_cast<size_t>(channel_of(i))] +=
        std::pow(float_at(coded.out.data(), i, DType::kFloat32) - values[static_cast<size_t>(i)], 2);
  for (int64_t c = 0; c < kChannels; ++c) {
    const double rms = std::sqrt(squares[static_cast<size_t>(c)] / static_cast<double>(kImages * kPositions));
    EXPECT_NEAR(rms / sigma_of(c), std::sqrt(1.0 / 12), 0.08) << "channel " << c;
  }
  // Of a normal distribution with a deviation of one step: 2.1 bits. Without channels small ones would take few bits,
  // and have no levels.
  EXPECT_LT(static_cast<double>(coded.payload.size()) * 8 / static_cast<double>(kValues), 2.35);
}

// Maps that are dark at their edges: a sample at even distances would meet the first row of each.
TEST(DitherChannel, SamplesMeetEveryPartOfAMap) {
  auto values = images(true);
  for (int64_t i = 0; i < kValues; ++i)
    if (i % kPositions < 28) values[static_cast<size_t>(i)] *= 1e-3;
  const auto n = static_cast<int64_t>(values.size());
  const Buffer in = floats(values, DType::kFloat32);
  const auto codec = dither(1.0, "channel");
  const Extent extent{in.data(), n, DType::kFloat32};
  const auto measured = codec->measure(extent, planes(), {});
  ASSERT_TRUE(measured);
  const auto payload = encode(*codec, extent, planes());
  ASSERT_TRUE(payload) << "more than the " << *measured << " bytes measured";
  EXPECT_LT(static_cast<double>(payload->size()) * 8 / static_cast<double>(n), 2.3);
}

TEST(DitherChannel, IsUnbiased) {
  const auto values = images();
  std::vector<double> sums(values.size());
  constexpr int kSeeds = 100;
  for (int seed = 0; seed < kSeeds; ++seed) {
    const Coded coded = there_and_back(*dither(2.0, "channel"), values, DType::kFloat32, planes(), seed);
    for (int64_t i = 0; i < kValues; ++i)
      sums[static_cast<size_t>(i)] += float_at(coded.out.data(), i, DType::kFloat32) - values[static_cast<size_t>(i)];
  }
  // In deviations of the channel: 2 / sqrt(12 * 100) for one value, and 317 times less for all 100352 of them; each is
  // to be within 5 (one run in 1.7 million), the largest of so many within 6.5.
  double mean = 0;
  for (int64_t i = 0; i < kValues; ++i) {
    const double error = sums[static_cast<size_t>(i)] / kSeeds / sigma_of(channel_of(i));
    EXPECT_LT(std::fabs(error), 6.5 * 1.2 * 2 / std::sqrt(12.0 * kSeeds)) << i;
    mean += error / static_cast<double>(kValues);
  }
  EXPECT_LT(std::fabs(mean), 5 * 1.2 * 2 / std::sqrt(12.0 * kSeeds * kValues));
}

TEST(DitherChannel, ZerosStayAndNothingElseBecomesZero) {
  for (const DType dtype : {DType::kFloat32, DType::kBFloat16})
    for (const bool relu : {false, true}) {
      auto values = images(relu);
      for (size_t i = 0; i < values.size(); i += 5) values[i] = mean_of(channel_of(static_cast<int64_t>(i)));
      const Buffer in = floats(values, dtype);
      const Coded coded = there_and_back(*dither(2.0, "channel"), values, dtype);
      for (int64_t i = 0; i < kValues; ++i)
        ASSERT_EQ(float_at(in.data(), i, dtype) == 0, float_at(coded.out.data(), i, dtype) == 0) << i;
    }
}

TEST(DitherChannel, WhatNoSymbolHoldsIsExact) {
  auto values = images();
  const std::vector<double> special{kInfinity, -kInfinity, 1e15, 1e6, -500, std::nan("")};
  const auto place = [](size_t i) { return static_cast<int64_t>(i) * 7 * kPositions + 150; };  // where no sample looks
  for (size_t i = 0; i < special.size(); ++i) values[static_cast<size_t>(place(i))] = special[i];
  const Coded coded = there_and_back(*dither(1.0, "channel"), values);
  for (size_t i = 0; i < special.size(); ++i) {
    const double out = float_at(coded.out.data(), place(i), DType::kFloat32);
    if (std::isnan(special[i])) {
      EXPECT_TRUE(std::isnan(out));
    } else {
      EXPECT_EQ(out, static_cast<double>(static_cast<float>(special[i])));
    }
  }
}

// A channel of one value far from zero, one of zeros alone, one that is quiet where the sample looks.
TEST(DitherChannel, StrangeChannelsCostLittle) {
  auto values = images();
  for (int64_t i = 0; i < kValues; ++i) {
    double& v = values[static_cast<size_t>(i)];
    if (channel_of(i) == 3) v = 1e4;
    if (channel_of(i) == 4) v = 0;
    if (channel_of(i) == 5) v = i % 1000 == 0 ? 1.0 : 0.0;
  }
  const Coded coded = there_and_back(*dither(1.0, "channel"), values);
  EXPECT_LT(static_cast<double>(coded.payload.size()) * 8 / static_cast<double>(kValues), 2.5);
  for (int64_t i = 0; i < kValues; ++i) {
    const double x = values[static_cast<size_t>(i)], y = float_at(coded.out.data(), i, DType::kFloat32);
    const int64_t c = channel_of(i);
    if (c >= 3 && c <= 5) {
      ASSERT_NEAR(y, x, c == 3 ? 1e4 / 2000 : c == 4 ? 0.0 : 0.75);
    }
  }
}

TEST(DitherChannel, TensorsWithoutChannelsAreCodedAsAWhole) {
  const auto values = images();
  const Coded none = there_and_back(*dither(1.0, "none"), values);
  SideInfo flat, tiny;
  tiny.grid = Grid{1, {1, 1, 98}, kValues / 98, 1};  // 1024 channels of 98 values
  for (const SideInfo& side : {flat, tiny}) {
    const Coded coded = there_and_back(*dither(1.0, "channel"), values, DType::kFloat32, side);
    ASSERT_EQ(coded.payload.size(), none.payload.size());
    EXPECT_EQ(std::memcmp(coded.payload.data(), none.payload.data(), static_cast<size_t>(none.payload.size())), 0);
  }
}

TEST(DitherChannel, DamagedSidesAreNamed) {
  const auto values = images();
  const auto codec = dither(1.0, "channel");
  const Coded coded = there_and_back(*codec, values);
  // Behind the header, the code and the ends of four chunks.
  constexpr int64_t kSides = 64 + 128 + 64;
  for (const int64_t at : {int64_t{0}, int64_t{3}, int64_t{7}, int64_t{8}, int64_t{16}, int64_t{23}, int64_t{25}}) {
    Buffer damaged(coded.payload.data(), coded.payload.size());
    damaged.data()[kSides + at] = std::byte{0xff};
    EXPECT_THROW(decode(*codec, damaged, kValues, DType::kFloat32), CodecError) << at;
  }
}

TEST(DitherChannel, RefusesUnknownPredictions) {
  try {
    dither(1.0, "planes");
    FAIL() << "not refused";
  } catch (const CodecError& error) {
    for (const char* part : {"dither", "predict", "planes", "none", "channel"})
      EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace cinch::testing
