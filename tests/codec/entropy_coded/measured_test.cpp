// What measure() leaves for encode(): the fit of a sample, taken once.
#include <gtest/gtest.h>

#include <cstring>

#include "tests/codec/values.h"

namespace cinch::testing {
namespace {

constexpr int64_t kValues = 20'000;

class MeasuredOnce : public ::testing::TestWithParam<CodecSpec> {};

// Values that changed in between keep the step of those that were measured, and cost more than a step of their own.
TEST_P(MeasuredOnce, EncodeTakesTheFit) {
  const auto codec = make_codec(GetParam());
  const Buffer fine = floats(normal_values(kValues, 1, 0, 1), DType::kFloat32),
               coarse = floats(normal_values(kValues, 4, 0, 1), DType::kFloat32);
  Buffer values(fine.data(), fine.size());
  const Extent in{values.data(), kValues, DType::kFloat32};
  Measured left;
  CodecContext leaving;
  leaving.measured = &left;
  ASSERT_TRUE(codec->measure(in, {}, leaving).has_value());
  std::memcpy(values.data(), coarse.data(), static_cast<size_t>(coarse.size()));
  Buffer room(2 * values.size()), fresh(2 * values.size());
  const auto taken = codec->encode(in, {}, room.span(), leaving), sampled = codec->encode(in, {}, fresh.span(), {});
  ASSERT_TRUE(taken && sampled);
  EXPECT_GT(*taken, *sampled + *sampled / 4);
}

INSTANTIATE_TEST_SUITE_P(Methods, MeasuredOnce,
                         ::testing::Values(CodecSpec{"dither", {{"step_sigma", 1.0}}},
                                           CodecSpec{"dither",
                                                     {{"step_sigma", 1.0}, {"predict", std::string("lorenzo")}}},
                                           CodecSpec{"error_bound", {{"bound", 0.02}}}));

}  // namespace
}  // namespace cinch::testing
