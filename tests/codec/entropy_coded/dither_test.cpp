// What is special to dither: an unbiased error of a known variance, exact zeros, values that no symbol holds, bytes
// near the entropy.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>
#include <random>
#include <stdexcept>

#include "cinch/error.h"
#include "src/codec/entropy_coded/sample.h"
#include "tests/codec/values.h"

namespace cinch::testing {
namespace {

constexpr auto kInfinity = std::numeric_limits<double>::infinity();

std::shared_ptr<const Codec> dither(double step) { return make_codec({"dither", {{"step_sigma", step}}}); }

std::vector<double> normal(int64_t n, double mean = 0, double sigma = 2, uint32_t seed = 1) {
  return normal_values(n, sigma, mean, seed);
}

// Decoded values; throws where the codec declines.
std::vector<double> there_and_back(const Codec& codec, const std::vector<double>& values, DType dtype = DType::kFloat32,
                                   const CodecContext& context = {}) {
  const auto n = static_cast<int64_t>(values.size());
  const Buffer in = floats(values, dtype);
  const auto payload = encode(codec, {in.data(), n, dtype}, {}, context);
  if (!payload) throw std::runtime_error("declined");
  const Buffer out = decode(codec, *payload, n, dtype);
  std::vector<double> result;
  for (int64_t i = 0; i < n; ++i) result.push_back(float_at(out.data(), i, dtype));
  return result;
}

// Over seeds each value's mean error is a normal variable of deviation step / sqrt(12 * seeds); 2000 values within 5
// deviations fail by chance once in 800 runs of other seeds. Their mean: step / sqrt(12 * seeds * values).
TEST(Dither, IsUnbiasedForEachValueAndForTheMean) {
  const int64_t n = 2000, seeds = 300;
  auto values = normal(n);
  for (const double step : {0.25, 1.0, 3.0}) {
    std::vector<double> sums(static_cast<size_t>(n));
    double variance = 0;
    for (int64_t seed = 0; seed < seeds; ++seed) {
      CodecContext context;
      context.seed = static_cast<uint64_t>(seed);
      const auto out = there_and_back(*dither(step), values, DType::kFloat32, context);
      for (size_t i = 0; i < sums.size(); ++i) {
        const double error = out[i] - static_cast<double>(static_cast<float>(values[i]));
        sums[i] += error;
        variance += error * error;
      }
    }
    const double width = std::sqrt(12 * variance / static_cast<double>(n * seeds));  // the step, as the errors show it
    EXPECT_NEAR(width, 2 * step, 0.15 * step) << "the sample is one group in eight";
    double total = 0;
    for (const double sum : sums) {
      EXPECT_LT(std::fabs(sum) / static_cast<double>(seeds), 5 * width / std::sqrt(12.0 * seeds));
      total += sum;
    }
    EXPECT_LT(std::fabs(total) / static_cast<double>(n * seeds), 5 * width / std::sqrt(12.0 * seeds * n));
  }
}

// Errors of neighbours, of steps and of sites have nothing to do with each other: correlations of 100,000 pairs are
// normal of deviation 1 / sqrt(100000).
TEST(Dither, ErrorsAreUncorrelated) {
  const int64_t n = 100'000;
  const auto values = normal(n);
  const auto errors = [&](uint64_t step, uint64_t site) {
    auto out = there_and_back(*dither(1.0), values, DType::kFloat32, {1, step, site, &serial_executor(), nullptr});
    for (size_t i = 0; i < out.size(); ++i) out[i] -= static_cast<double>(static_cast<float>(values[i]));
    return out;
  };
  const auto a = errors(1, 1), b = errors(2, 1), c = errors(1, 2);
  const auto correlation = [&](const std::vector<double>& x, const std::vector<double>& y, size_t shift) {
    double xy = 0, xx = 0;
    for (size_t i = shift; i < x.size(); ++i) {
      xy += x[i - shift] * y[i];
      xx += x[i] * x[i];
    }
    return std::fabs(xy / xx) * std::sqrt(static_cast<double>(n));
  };
  for (const size_t shift : {1, 2, 15, 16, 17, 32, 256}) EXPECT_LT(correlation(a, a, shift), 5) << shift;
  EXPECT_LT(correlation(a, b, 0), 5);
  EXPECT_LT(correlation(a, c, 0), 5);
  EXPECT_LT(correlation(a, values, 0), 5 * 2 / (2 / std::sqrt(12.0))) << "with the values themselves";
}

TEST(Dither, ZerosStayAndNothingElseBecomesZero) {
  for (const DType dtype : {DType::kFloat32, DType::kBFloat16, DType::kFloat16}) {
    auto values = normal(30'000);
    for (size_t i = 0; i < values.size(); ++i)
      if (i % 3 == 0) values[i] = i % 2 == 0 ? 0.0 : -0.0;
    const auto out = there_and_back(*dither(2.0), values, dtype);
    for (size_t i = 0; i < values.size(); ++i) EXPECT_EQ(values[i] == 0, out[i] == 0) << i;
  }
}

TEST(Dither, WhatNoSymbolHoldsIsExact) {
  auto values = normal((int64_t{1} << 20) + 5000);
  const std::vector<double> special{kInfinity, -kInfinity, 3e38,   -3e38, 1e30, 1e6,
                                    -1e4,      60,         -70.25, 1e-42, 500,  std::nan("")};
  // Alone, in pairs of one letter, and many in one group; none in what the scale is taken from (groups 0, 16, ...).
  for (size_t i = 0; i < special.size(); ++i) {
    values[256 * 3 + 7 + 31 * i % 256] = special[i];
    values[256 * 5 + 32 * (i % 8) + i] = special[i];
    values[256 * 5 + 32 * (i % 8) + i + 16] = special[(i + 1) % special.size()];
    values[values.size() - 1 - i] = special[i];
  }
  const auto out = there_and_back(*dither(1.0), values);
  int exact = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    const auto x = static_cast<double>(static_cast<float>(values[i]));
    if (std::isnan(x)) {
      EXPECT_TRUE(std::isnan(out[i])) << i;
    } else if (std::fabs(x) > 50) {
      EXPECT_EQ(out[i], x) << i;
      ++exact;
    } else {
      EXPECT_LT(std::fabs(out[i] - x), 1.2) << i;
    }
  }
  EXPECT_GT(exact, 30);
}

TEST(Dither, NaNInTheSampleDoesNotPoisonTheScale) {
  auto values = normal(100'000);
  for (size_t i = 0; i < values.size(); i += 97) values[i] = i % 2 == 0 ? std::nan("") : kInfinity;
  const auto out = there_and_back(*dither(1.0), values);
  double squares = 0;
  int64_t finite = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    if (!std::isfinite(values[i])) continue;
    squares += std::pow(out[i] - values[i], 2);
    ++finite;
  }
  EXPECT_NEAR(std::sqrt(squares / static_cast<double>(finite)), 2 / std::sqrt(12.0), 0.05);
}

TEST(Dither, ConstantsAreExact) {
  for (const double value : {0.0, 1.0, -3.3, 1e-30, 1.1e-42, 1e30})
    for (const int64_t n : {1, 100, 256, 5000}) {
      const auto out = there_and_back(*dither(1.0), std::vector<double>(static_cast<size_t>(n), value));
      for (const double y : out) ASSERT_EQ(y, static_cast<double>(static_cast<float>(value))) << n;
    }
}

TEST(Dither, AMeanFarFromZeroCostsNothing) {
  for (const double mean : {0.0, 15.0, -1000.0, 1e6}) {
    const auto values = normal(100'000, mean);
    const auto out = there_and_back(*dither(1.0), values);
    double worst = 0, squares = 0;
    for (size_t i = 0; i < values.size(); ++i) {
      const double error = out[i] - static_cast<double>(static_cast<float>(values[i]));
      worst = std::max(worst, std::fabs(error));
      squares += error * error;
    }
    EXPECT_LT(worst, 1.2) << mean;
    EXPECT_NEAR(std::sqrt(squares / 100'000), 2 / std::sqrt(12.0), 0.03) << mean;
  }
}

TEST(Dither, NothingFiniteIsDeclined) {
  for (const double value : {kInfinity, std::nan("")}) {
    const Buffer in = floats(std::vector<double>(500, value), DType::kFloat32);
    EXPECT_FALSE(encode(*dither(1.0), {in.data(), 500, DType::kFloat32}, {}));
  }
}

// A tensor whose variance the sample does not show: chunks that would grow are kept as they are, and a payload that
// does not fit is declined; nothing is written beyond the room.
TEST(Dither, ASampleThatMisleadsCostsBytesAndNoMore) {
  std::mt19937 random(3);
  std::vector<double> values(400'000);
  std::vector<bool> sampled(values.size() / 256 + 1);
  // As many as this tensor's scale, range and code are taken from.
  for (const int64_t stride : {6, 12, 97})
    codec::for_sampled_groups(static_cast<int64_t>(values.size()) / 256, stride,
                              [&](int64_t group) { sampled[static_cast<size_t>(group)] = true; });
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = std::normal_distribution<double>(0, sampled[i / 256] ? 1e-3 : 1.0)(random);
  const Buffer in = floats(values, DType::kFloat32);
  const auto codec = dither(1.0);
  Buffer room(static_cast<int64_t>(values.size()) * 5);
  const Extent extent{in.data(), static_cast<int64_t>(values.size()), DType::kFloat32};
  const auto bytes = codec->encode(extent, {}, room.span(), {});
  ASSERT_TRUE(bytes.has_value());
  EXPECT_LT(*bytes, in.size() + in.size() / 50);
  const Buffer out = decode(*codec, Buffer(room.data(), *bytes), extent.numel, DType::kFloat32);
  for (int64_t i = 0; i < extent.numel; ++i)
    ASSERT_LT(std::fabs(float_at(out.data(), i, DType::kFloat32) - values[static_cast<size_t>(i)]), 1e-2) << i;
  Buffer small(in.size() / 8);
  EXPECT_FALSE(codec->encode(extent, {}, small.span(), {}));
  EXPECT_TRUE(small.intact());
}

// Symbols as the decoded values show them: q - u is the value in steps.
TEST(Dither, BytesAreWithinThreePercentOfTheEntropy) {
  const int64_t n = int64_t{1} << 20;
  for (const bool relu : {false, true})
    for (const double step : {0.3, 0.6, 1.0, 1.4, 2.0}) {
      auto values = normal(n, 0.3);
      if (relu)
        for (double& v : values) v = std::max(v, 0.0);
      const Buffer in = floats(values, DType::kFloat32);
      const auto payload = encode(*dither(step), {in.data(), n, DType::kFloat32}, {});
      ASSERT_TRUE(payload.has_value());
      // The entropy of one symbol given its dither, averaged over dithers, is what a code without knowledge of dithers
      // cannot reach; the symbols' own is estimated by dithering the values here.
      double sum = 0, squares = 0;
      for (const double v : values) sum += v, squares += v * v;
      const double mean = sum / static_cast<double>(n);
      const double width = step * std::sqrt(squares / static_cast<double>(n) - mean * mean);
      std::map<int, int64_t> counts;
      std::mt19937 random(9);
      std::uniform_real_distribution<double> uniform(0, 1);
      for (const double v : values) ++counts[v == 0 ? 1000 : static_cast<int>(std::floor(v / width + uniform(random)))];
      double bits = 0;
      for (const auto& [symbol, count] : counts)
        bits -= static_cast<double>(count) * std::log2(static_cast<double>(count) / static_cast<double>(n));
      EXPECT_LT(static_cast<double>(payload->size()) * 8, bits * 1.03) << "step " << step << (relu ? ", relu" : "");
    }
}

// Channels as different as those of a trained network, in maps whose size shares factors with any regular distance
// between samples: such samples would see a few of the channels, again and again.
TEST(Dither, SamplesMeetChannelsOfEveryKind) {
  const int64_t images = 16, channels = 128;
  for (const int64_t positions : {14 * 14, 16 * 16, 28 * 28}) {
    std::mt19937 random(5);
    std::normal_distribution<double> draw;
    std::vector<double> sigmas, values;
    for (int64_t c = 0; c < channels; ++c) sigmas.push_back(std::exp(0.8 * draw(random)));
    double second = 0;
    for (int64_t i = 0; i < images * channels * positions; ++i) {
      values.push_back(sigmas[static_cast<size_t>(i / positions % channels)] * draw(random));
      second += values.back() * values.back();
    }
    const auto n = static_cast<int64_t>(values.size());
    const double sigma = std::sqrt(second / static_cast<double>(n));
    const Buffer in = floats(values, DType::kFloat32);
    for (const double step : {0.5, 1.0, 1.4, 2.0}) {
      const auto codec = dither(step);
      const Extent extent{in.data(), n, DType::kFloat32};
      const auto measured = codec->measure(extent, {}, {});
      ASSERT_TRUE(measured);
      const auto payload = encode(*codec, extent, {});
      ASSERT_TRUE(payload) << positions << " positions, step " << step << ": more than the " << *measured
                           << " measured";
      EXPECT_GT(static_cast<double>(payload->size()), 0.8 * static_cast<double>(*measured))
          << positions << ", " << step;
      double error = 0;
      const Buffer out = decode(*codec, *payload, n, DType::kFloat32);
      for (int64_t i = 0; i < n; ++i)
        error += std::pow(float_at(out.data(), i, DType::kFloat32) - float_at(in.data(), i, DType::kFloat32), 2);
      // Of the step, which is that of the sample's deviation.
      EXPECT_NEAR(std::sqrt(12 * error / static_cast<double>(n)) / (step * sigma), 1, 0.15)
          << positions << ", " << step;
    }
  }
}

TEST(Dither, RefusesStepsOutOfRange) {
  for (const double step : {0.0, -1.0, 1e-3, 9.0, kInfinity, std::nan("")}) {
    try {
      dither(step);
      ADD_FAILURE() << step;
    } catch (const CodecError& e) {
      EXPECT_NE(std::string(e.what()).find("step_sigma"), std::string::npos) << e.what();
    }
  }
  EXPECT_NO_THROW(make_codec({"dither", {{"step_sigma", int64_t{1}}}}));
}

}  // namespace
}  // namespace cinch::testing
