#include "src/core/float16.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <random>

namespace cinch {
namespace {

TEST(Float16, EveryHalfComesBack) {
  for (uint32_t i = 0; i < 65536; ++i) {
    const auto bits = static_cast<uint16_t>(i);
    const float wide = fp16_to_float(bits);
    if (std::isnan(wide)) {
      EXPECT_TRUE(std::isnan(fp16_to_float(float_to_fp16(wide))));
    } else {
      EXPECT_EQ(float_to_fp16(wide), bits);
    }
  }
}

TEST(Float16, EveryBfloat16ComesBack) {
  for (uint32_t i = 0; i < 65536; ++i) {
    const auto bits = static_cast<uint16_t>(i);
    const float wide = bf16_to_float(bits);
    if (std::isnan(wide)) {
      EXPECT_TRUE(std::isnan(bf16_to_float(float_to_bf16(wide))));
    } else {
      EXPECT_EQ(float_to_bf16(wide), bits);
    }
  }
}

// The nearest neighbour, found by comparing distances; ties go to the even pattern.
template <class Narrow, class Wide>
void expect_nearest(float v, Narrow narrow, Wide wide) {
  const uint16_t got = narrow(v);
  const double error = std::fabs(static_cast<double>(wide(got)) - v);
  for (const int step : {-1, 1}) {
    const auto other = static_cast<uint16_t>(got + step);
    if ((other ^ got) & 0x8000u || !std::isfinite(wide(other))) continue;
    const double rival = std::fabs(static_cast<double>(wide(other)) - v);
    EXPECT_TRUE(error < rival || (error == rival && got % 2 == 0)) << v;
  }
}

TEST(Float16, RoundsToNearestEven) {
  std::mt19937 random(1);
  for (int i = 0; i < 200000; ++i) {
    const float any = std::bit_cast<float>(static_cast<uint32_t>(random()));
    if (std::isfinite(any) && std::fabs(any) < 0x1.fep127f) expect_nearest(any, float_to_bf16, bf16_to_float);
    const float half =
        std::ldexp(static_cast<float>(static_cast<int32_t>(random())), static_cast<int>(random() % 42) - 57);
    if (std::fabs(half) < 65504) expect_nearest(half, float_to_fp16, fp16_to_float);
  }
  for (uint32_t i = 0; i < 0x7bff; ++i) {  // every tie
    const float tie = (fp16_to_float(static_cast<uint16_t>(i)) + fp16_to_float(static_cast<uint16_t>(i + 1))) / 2;
    EXPECT_EQ(float_to_fp16(tie) % 2, 0);
  }
}

TEST(Float16, OverflowsToInfinityAndKeepsNan) {
  const float inf = std::numeric_limits<float>::infinity();
  EXPECT_EQ(fp16_to_float(float_to_fp16(65519.0f)), 65504.0f);
  EXPECT_EQ(fp16_to_float(float_to_fp16(65520.0f)), inf);
  EXPECT_EQ(fp16_to_float(float_to_fp16(-1e30f)), -inf);
  EXPECT_EQ(bf16_to_float(float_to_bf16(std::numeric_limits<float>::max())), inf);
  for (const uint32_t nan : {0x7f800001u, 0xff800001u, 0x7fffffffu, 0xffc00000u}) {
    EXPECT_TRUE(std::isnan(fp16_to_float(float_to_fp16(std::bit_cast<float>(nan)))));
    EXPECT_TRUE(std::isnan(bf16_to_float(float_to_bf16(std::bit_cast<float>(nan)))));
  }
}

TEST(Float16, DirectedRoundingBrackets) {
  std::mt19937 random(2);
  for (int i = 0; i < 100000; ++i) {
    const float v = std::bit_cast<float>(static_cast<uint32_t>(random()));
    if (!std::isfinite(v) || std::fabs(v) > 1e38f) continue;
    const float low = bf16_to_float(bf16_floor(v));
    EXPECT_LE(low, v);
    EXPECT_GT(low + std::fabs(low) * 0x1.02p-7f + 1e-40f, v);
    const float size = std::fabs(v), high = bf16_to_float(bf16_ceil(size));
    EXPECT_GE(high, size);
    EXPECT_LE(high, size * (1 + 0x1p-6f) + 1e-40f);
  }
}

}  // namespace
}  // namespace cinch
