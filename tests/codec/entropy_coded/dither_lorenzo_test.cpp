// dither where neighbours predict: fewer bits on smooth data, no bias over draws.
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "tests/contract/support.h"

namespace cinch::testing {
namespace {

constexpr int64_t kSide = 64, kPlanes = 64, kValues = kPlanes * kSide * kSide;

std::shared_ptr<const Codec> dither(double step, const char* predict) {
  return make_codec({"dither", {{"step_sigma", step}, {"predict", std::string(predict)}}});
}

SideInfo planes() {
  SideInfo side;
  side.grid = Grid{kPlanes, {1, kSide, kSide}, 1, 1};
  return side;
}

// Waves of a few lengths with a little noise.
std::vector<double> waves() {
  std::mt19937 random(2);
  std::normal_distribution<double> noise(0, 0.05);
  std::vector<double> values;
  for (int64_t i = 0; i < kValues; ++i) {
    const auto p = static_cast<double>(i / kSide / kSide), y = static_cast<double>(i / kSide % kSide),
               x = static_cast<double>(i % kSide);
    values.push_back(std::sin(x * 0.15 + p) + std::cos(y * 0.11 - p) + noise(random));
  }
  return values;
}

Buffer coded(const Codec& codec, const std::vector<double>& values, uint64_t seed = 0) {
  const Buffer in = floats(values, DType::kFloat32);
  CodecContext context;
  context.seed = seed;
  auto payload = encode(codec, {in.data(), kValues, DType::kFloat32}, planes(), context);
  if (!payload) throw std::runtime_error("declined");
  return std::move(*payload);
}

TEST(DitherLorenzo, SmoothDataTakesFewerBits) {
  const auto values = waves();
  for (const double step : {0.3, 1.0}) {
    const auto plain = coded(*dither(step, "none"), values).size();
    EXPECT_LT(static_cast<double>(coded(*dither(step, "lorenzo"), values).size()), 0.6 * static_cast<double>(plain));
  }
}

// All values of a chunk have one draw: their errors go together, and it is the mean over seeds that tells. That of one
// value has a deviation of step / sqrt(12 * seeds); 16384 of them within 6 (one run in 30000), and the mean of all,
// which eight chunks draw for, within 5.
TEST(DitherLorenzo, IsUnbiased) {
  auto values = waves();
  for (size_t i = 0; i < values.size(); i += 50) values[i] = 0;
  constexpr int kSeeds = 200;
  constexpr double kStep = 1.0, kSigma = 1.0;
  std::vector<double> sums(values.size());
  const auto codec = dither(kStep, "lorenzo");
  for (int seed = 0; seed < kSeeds; ++seed) {
    const Buffer out = decode(*codec, coded(*codec, values, static_cast<uint64_t>(seed)), kValues, DType::kFloat32);
    for (int64_t i = 0; i < kValues; i += 16)
      sums[static_cast<size_t>(i)] += float_at(out.data(), i, DType::kFloat32) - values[static_cast<size_t>(i)];
  }
  double mean = 0, count = 0, squares = 0;
  for (int64_t i = 0; i < kValues; i += 16) {
    const double error = sums[static_cast<size_t>(i)] / kSeeds;
    EXPECT_LT(std::fabs(error), 6 * kStep * kSigma / std::sqrt(12.0 * kSeeds)) << i;
    mean += error;
    squares += error * error;
    ++count;
  }
  EXPECT_LT(std::fabs(mean / count), 5 * kStep * kSigma / std::sqrt(12.0 * kSeeds * 8));
  // And they are drawn anew: the mean of many is smaller than one error.
  EXPECT_LT(std::sqrt(squares / count), 1.5 * kStep * kSigma / std::sqrt(12.0 * kSeeds));
}

TEST(DitherLorenzo, ChunksDrawForThemselves) {
  const auto values = waves();
  const auto codec = dither(1.0, "lorenzo");
  const Buffer out = decode(*codec, coded(*codec, values), kValues, DType::kFloat32);
  // Levels begin at another place in each chunk of 32768 values: remainders of the step differ.
  const auto remainder = [&](int64_t at) {
    std::vector<double> distinct;
    const double a = float_at(out.data(), at, DType::kFloat32);
    for (int64_t i = 1; i < 2000 && distinct.empty(); ++i)
      if (const double d = float_at(out.data(), at + i, DType::kFloat32) - a; std::fabs(d) > 1e-3)
        distinct.push_back(d);
    const double step = std::fabs(distinct.at(0));
    return a - std::floor(a / step) * step;
  };
  EXPECT_GT(std::fabs(remainder(5000) - remainder(32768 + 5000)), 1e-4);
}

}  // namespace
}  // namespace cinch::testing
