// dither with average_bits: bytes that are known before the values, and the finest step that they allow.
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "cinch/error.h"
#include "tests/contract/grids.h"
#include "tests/contract/rows.h"

namespace cinch::testing {
namespace {

constexpr int64_t kCount = 300'000;

enum class Kind { kNormal, kRelu, kHeavy };

Buffer values_of(Kind kind, DType dtype) {
  std::mt19937 random(5);
  std::normal_distribution<double> normal(0.3, 1.0);
  std::vector<double> values(kCount);
  for (double& v : values) {
    v = normal(random);
    if (kind == Kind::kRelu) v = std::max(v, 0.0);
    if (kind == Kind::kHeavy) v = std::pow(v, 5);
  }
  return floats(values, dtype);
}

std::shared_ptr<const Codec> to_bits(double bits, const char* predict = "none") {
  return make_codec({"dither", {{"average_bits", bits}, {"predict", std::string(predict)}}});
}

double mean_square_error(const Buffer& data, const Buffer& out, DType dtype) {
  double squares = 0;
  for (int64_t i = 0; i < kCount; ++i)
    squares += std::pow(float_at(data.data(), i, dtype) - float_at(out.data(), i, dtype), 2);
  return squares / static_cast<double>(kCount);
}

TEST(ByteTarget, KeepsToItsBitsAndUsesThem) {
  for (const Kind kind : {Kind::kNormal, Kind::kRelu, Kind::kHeavy}) {
    const Buffer data = values_of(kind, DType::kFloat32);
    const Extent in{data.data(), kCount, DType::kFloat32};
    const SideInfo side = arranged(Arrangement::kPlanes, kCount);
    for (const char* predict : {"none", "lorenzo"}) {
      for (const double bits : {1.5, 2.0, 3.0}) {
        const auto codec = to_bits(bits, predict);
        const int64_t most = codec->payload_bound(kCount, DType::kFloat32, side);
        EXPECT_LE(most, static_cast<int64_t>(kCount * bits / 8) + 512);
        const auto payload = encode(*codec, in, side);
        ASSERT_TRUE(payload) << predict << ", " << bits << " bits";
        EXPECT_LE(payload->size(), most);
        EXPECT_GE(static_cast<double>(payload->size()), 0.9 * static_cast<double>(most))
            << static_cast<int>(kind) << ", " << predict << ", " << bits << " bits";
      }
    }
  }
}

TEST(ByteTarget, ErrsAsTheFinestStepOfThoseBytes) {
  const Buffer data = values_of(Kind::kNormal, DType::kFloat32);
  const Extent in{data.data(), kCount, DType::kFloat32};
  const auto step = make_codec({"dither", {{"step_sigma", 1.0}}});
  const auto at_step = encode(*step, in, {});
  ASSERT_TRUE(at_step);
  const auto codec = to_bits(8.0 * static_cast<double>(at_step->size()) / kCount);
  const auto payload = encode(*codec, in, {});
  ASSERT_TRUE(payload);
  const double truth = mean_square_error(data, decode(*step, *at_step, kCount, DType::kFloat32), DType::kFloat32),
               error = mean_square_error(data, decode(*codec, *payload, kCount, DType::kFloat32), DType::kFloat32);
  // A sixteenth of an octave is 9 % of the square, and so is each half of a tenth of a bit.
  EXPECT_LT(error, 1.2 * truth);
  EXPECT_GT(error, 0.9 * truth);
}

TEST(ByteTarget, DeclinesWhatNoStepMakesSoSmall) {
  const Buffer data = values_of(Kind::kNormal, DType::kBFloat16);
  const Extent in{data.data(), kCount, DType::kBFloat16};
  EXPECT_FALSE(to_bits(0.5)->measure(in, {}, {}));
}

TEST(ByteTarget, PayloadsAreDithers) {
  const Buffer data = values_of(Kind::kRelu, DType::kFloat32);
  const auto codec = to_bits(2.0);
  const auto payload = encode(*codec, {data.data(), kCount, DType::kFloat32}, {});
  ASSERT_TRUE(payload);
  EXPECT_TRUE(decode(*make_codec({"dither", {}}), *payload, kCount, DType::kFloat32) ==
              decode(*codec, *payload, kCount, DType::kFloat32));
}

TEST(ByteTarget, TakesThePlaceOfAStep) {
  EXPECT_THROW(make_codec({"dither", {{"average_bits", 2.0}, {"step_sigma", 0.5}}}), CodecError);
  EXPECT_THROW(make_codec({"dither", {{"average_bits", 0.2}}}), CodecError);
  EXPECT_THROW(make_codec({"dither", {{"average_bits", std::nan("")}}}), CodecError);
}

}  // namespace
}  // namespace cinch::testing
