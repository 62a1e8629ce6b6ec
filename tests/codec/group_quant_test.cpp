#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "cinch/error.h"
#include "src/core/float16.h"
#include "tests/codec/group_quant_reference.h"

namespace cinch::testing {
namespace {

constexpr DType kFloats[] = {DType::kFloat32, DType::kBFloat16, DType::kFloat16};

std::shared_ptr<const Codec> quant(int64_t bits, const char* rounding = "stochastic") {
  return make_codec({"group_quant", {{"bits", bits}, {"rounding", std::string(rounding)}}});
}

std::vector<double> normal(int64_t n, double sigma, double mean, uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<double> d(mean, sigma);
  std::vector<double> values(static_cast<size_t>(n));
  for (double& v : values) v = d(random);
  return values;
}

Extent extent(const Buffer& b, DType dtype) { return {b.data(), b.size() / dtype_bytes(dtype), dtype}; }

std::vector<double> round_trip(const std::vector<double>& values, const Codec& codec, DType dtype,
                               const CodecContext& context = {}) {
  const Buffer data = floats(values, dtype);
  const auto payload = encode(codec, extent(data, dtype), {}, context);
  EXPECT_TRUE(payload.has_value());
  if (!payload) return {};
  const Buffer out = decode(codec, *payload, static_cast<int64_t>(values.size()), dtype);
  std::vector<double> result;
  for (size_t i = 0; i < values.size(); ++i) result.push_back(float_at(out.data(), static_cast<int64_t>(i), dtype));
  return result;
}

TEST(GroupQuant, EqualsTheScalarReferenceOnEveryInstructionSet) {
  const CodecContext context{11, 22, 33, &serial_executor(), nullptr};
  for (const DType dtype : kFloats) {
    for (const double scale : {1.0, 1e-30, 1e30, 1e-4, 3e4}) {
      if (dtype == DType::kFloat16 && (scale > 1e4 || scale < 1e-6)) continue;
      for (const int64_t n : {int64_t{1}, int64_t{255}, int64_t{256 * 9 + 77}}) {
        const Buffer data = floats(normal(n, scale, scale / 3, 5), dtype);
        for (const int bits : {1, 2, 4, 8}) {
          for (const bool nearest : {false, true}) {
            const auto expected = reference_encode(extent(data, dtype), bits, nearest, context);
            ASSERT_TRUE(expected.has_value());
            on_every_instruction_set([&](const std::string&) {
              const auto payload =
                  encode(*quant(bits, nearest ? "nearest" : "stochastic"), extent(data, dtype), {}, context);
              ASSERT_TRUE(payload.has_value());
              const auto groups = static_cast<int64_t>(expected->sides.size());
              ASSERT_EQ(std::memcmp(payload->data() + codec::sides_offset(), expected->sides.data(),
                                    static_cast<size_t>(groups) * 4),
                        0);
              for (int64_t g = 0; g < groups; ++g) {
                const std::byte* codes = payload->data() + codec::codes_offset(groups) + g * codec::code_bytes(bits);
                for (uint32_t i = 0; i < 256; ++i)
                  ASSERT_EQ(code_at(codes, bits, i), expected->codes[static_cast<size_t>(g)][i]) << g << " " << i;
              }
            });
          }
        }
      }
    }
  }
}

TEST(GroupQuant, DecodesToMinimumPlusCodeTimesStepRoundedToTheDtype) {
  const CodecContext context{1, 2, 3, &serial_executor(), nullptr};
  for (const DType dtype : kFloats) {
    for (const int bits : {1, 2, 4, 8}) {
      const int64_t n = 256 * 2 + 31;
      const Buffer data = floats(normal(n, 1.0, 0.5, 6), dtype);
      const auto reference = reference_encode(extent(data, dtype), bits, false, context);
      const auto payload = encode(*quant(bits), extent(data, dtype), {}, context);
      on_every_instruction_set([&](const std::string&) {
        const Buffer out = decode(*quant(bits), *payload, n, dtype);
        for (int64_t i = 0; i < n; ++i) {
          const auto g = static_cast<size_t>(i / 256);
          const float product = static_cast<float>(reference->codes[g][static_cast<size_t>(i % 256)]) *
                                bf16_to_float(reference->sides[g].step);
          const float value = bf16_to_float(reference->sides[g].minimum) + product;
          const Buffer expected = floats({value}, dtype);
          ASSERT_EQ(float_at(out.data(), i, dtype), float_at(expected.data(), 0, dtype));
        }
      });
    }
  }
}

// Hoeffding: errors lie in an interval one step wide, so the mean of S of them leaves +-t steps with probability at
// most 2 exp(-2 S t^2). S = 1024 and 513 values: t = 0.12 gives a false alarm in 3e-10 of all choices of seeds; the
// mean over all values (525312 draws) with t = 0.0046 in 5e-10.
TEST(GroupQuant, IsUnbiasedOverSeeds) {
  const int64_t n = 513;
  const int seeds = 1024;
  const std::vector<double> values = normal(n, 1.0, 0.0, 7);
  for (const int bits : {1, 2, 4, 8}) {
    const Buffer data = floats(values, DType::kFloat32);
    const auto codec = quant(bits);
    std::vector<double> sum(static_cast<size_t>(n));
    double total = 0;
    std::vector<double> steps;
    for (int s = 0; s < seeds; ++s) {
      const auto payload = encode(*codec, extent(data, DType::kFloat32), {},
                                  {static_cast<uint64_t>(s), 0, 0, &serial_executor(), nullptr});
      const Buffer out = decode(*codec, *payload, n, DType::kFloat32);
      if (steps.empty()) {
        for (int64_t g = 0; g < 3; ++g) {
          codec::Sides sides;
          std::memcpy(&sides, payload->data() + codec::sides_offset() + g * 4, 4);
          steps.push_back(bf16_to_float(sides.step));
        }
      }
      for (int64_t i = 0; i < n; ++i) {
        const double e = (float_at(out.data(), i, DType::kFloat32) - float_at(data.data(), i, DType::kFloat32)) /
                         steps[static_cast<size_t>(i / 256)];
        sum[static_cast<size_t>(i)] += e;
        total += e;
      }
    }
    for (int64_t i = 0; i < n; ++i) {
      if (steps[static_cast<size_t>(i / 256)] == 0) continue;  // the last group holds one value
      EXPECT_LT(std::fabs(sum[static_cast<size_t>(i)]) / seeds, 0.12) << bits << " bits, value " << i;
    }
    EXPECT_LT(std::fabs(total) / seeds / static_cast<double>(n), 0.0046) << bits << " bits";
  }
}

// Each draw of one value is 0 or 1 step up; the mean of 65536 draws of x = 0.25 steps has sigma 0.0017: 6.5 sigma,
// 1e-10.
TEST(GroupQuant, RoundsUpWithProbabilityOfTheFraction) {
  std::vector<double> values(65536, 0.25);
  for (size_t i = 0; i < values.size(); i += 256) values[i] = 0.0, values[i + 1] = 1.0;
  const std::vector<double> out = round_trip(values, *quant(1), DType::kFloat32);
  double ups = 0;
  for (size_t i = 0; i < out.size(); ++i) ups += i % 256 > 1 ? out[i] : 0;
  EXPECT_NEAR(ups / (65536.0 - 512), 0.25, 0.011);
}

TEST(GroupQuant, KeepsExactValuesExact) {
  for (const DType dtype : kFloats) {
    for (const double constant : {0.0, 1.0, -2.5, 1024.0}) {  // bfloat16 numbers
      for (const int64_t bits : {1, 2, 4, 8}) {
        EXPECT_EQ(round_trip(std::vector<double>(300, constant), *quant(bits), dtype),
                  std::vector<double>(300, constant));
      }
    }
    std::vector<double> levels;
    for (int i = 0; i < 1000; ++i) levels.push_back(i % 4);
    EXPECT_EQ(round_trip(levels, *quant(2), dtype), levels) << "the four levels themselves have no error";
  }
}

TEST(GroupQuant, ConstantGroupsAreExactUpToTheRoundingOfTheirSides) {
  for (const DType dtype : kFloats) {
    for (const double v : round_trip(std::vector<double>(256, 1.1), *quant(2), dtype))
      EXPECT_NEAR(v, 1.1, 1.1 * 0x1p-6);
  }
}

TEST(GroupQuant, ZerosOfANonNegativeGroupStayZero) {
  std::vector<double> values = normal(4096, 1.0, 0.0, 8);
  for (double& v : values) v = std::max(v, 0.0);
  for (const int64_t bits : {1, 2, 4, 8}) {
    const std::vector<double> out = round_trip(values, *quant(bits), DType::kFloat32);
    for (size_t i = 0; i < values.size(); ++i) {
      EXPECT_TRUE(values[i] != 0.0 || out[i] == 0.0);
    }
  }
}

TEST(GroupQuant, DeclinesWhatIsNotFiniteOrTooLarge) {
  const double nan = std::numeric_limits<double>::quiet_NaN(), inf = std::numeric_limits<double>::infinity();
  for (const DType dtype : kFloats) {
    for (const double bad : {nan, -nan, inf, -inf, 0x1p118, -0x1p120}) {
      if (dtype == DType::kFloat16 && std::isfinite(bad)) continue;
      for (const size_t place : {0u, 7u, 8u, 255u, 300u, 511u, 512u, 519u}) {
        std::vector<double> values(520, 1.0);
        values[place] = bad;
        const Buffer data = floats(values, dtype);
        on_every_instruction_set([&](const std::string&) {
          EXPECT_FALSE(encode(*quant(2), extent(data, dtype), {}).has_value()) << bad << " at " << place;
        });
      }
    }
  }
}

// CUDA encodes groups with NaN so; the CPU must not make numbers of them.
TEST(GroupQuant, GroupsWhoseSidesAreNaNDecodeToNaN) {
  const auto n = static_cast<size_t>(2 * codec::kGroup);
  for (const DType dtype : kFloats) {
    for (const uint16_t nan : {uint16_t{0x7fc0}, uint16_t{0x7fff}, uint16_t{0xffff}}) {
      const Buffer data = floats(normal(static_cast<int64_t>(n), 1, 0, 3), dtype);
      auto payload = encode(*quant(2), extent(data, dtype), {}, {});
      ASSERT_TRUE(payload.has_value());
      const uint16_t sides[] = {nan, nan};
      std::memcpy(payload->data() + codec::sides_offset(), sides, sizeof sides);
      on_every_instruction_set([&](const std::string& set) {
        const Buffer out = decode(*quant(2), *payload, static_cast<int64_t>(n), dtype);
        for (size_t i = 0; i < n; ++i) {
          const double value = float_at(out.data(), static_cast<int64_t>(i), dtype);
          ASSERT_EQ(std::isnan(value), i < codec::kGroup) << set << ' ' << i << ' ' << value;
        }
      });
    }
  }
}

TEST(GroupQuant, ReachesTheEndsOfItsRange) {
  const double big = 0x1.fcp117;
  for (const int64_t bits : {1, 2, 4, 8}) {
    for (const double v : round_trip(std::vector<double>{-big, big}, *quant(bits), DType::kFloat32))
      EXPECT_TRUE(std::isfinite(v));
    for (const double v : round_trip(std::vector<double>{-65504, 65504, 65504, 0}, *quant(bits), DType::kFloat16)) {
      EXPECT_LE(std::fabs(v), 65504);
    }
  }
}

TEST(GroupQuant, GroupsOfDenormalRangeAreConstant) {
  for (const double tiny : {1e-45, 1e-39, 1e-36}) {
    for (const double sign : {1.0, -1.0}) {
      std::vector<double> values(256, 0.0);
      for (size_t i = 0; i < 256; i += 3) values[i] = sign * tiny;
      for (const double v : round_trip(values, *quant(4), DType::kFloat32)) EXPECT_LE(std::fabs(v), 1.01e-36);
    }
  }
}

TEST(GroupQuant, NegativeZeroBecomesZeroWhateverTheOrder) {
  for (const size_t first : {0u, 1u}) {
    std::vector<double> values(256);
    for (size_t i = 0; i < 256; ++i) values[i] = i % 2 == first ? 0.0 : -0.0;
    on_every_instruction_set([&](const std::string&) {
      for (const double v : round_trip(values, *quant(2), DType::kFloat32)) EXPECT_TRUE(v == 0.0 && !std::signbit(v));
    });
  }
}

TEST(GroupQuant, SeedStepAndSiteEachChangeTheDither) {
  const Buffer data = floats(normal(4096, 1, 0, 9), DType::kFloat32);
  const auto code = [&](uint64_t seed, uint64_t step, uint64_t site) {
    return *encode(*quant(2), extent(data, DType::kFloat32), {}, {seed, step, site, &serial_executor(), nullptr});
  };
  const Buffer base = code(1, 2, 3);
  EXPECT_TRUE(base == code(1, 2, 3));
  EXPECT_FALSE(base == code(2, 2, 3));
  EXPECT_FALSE(base == code(1, 3, 3));
  EXPECT_FALSE(base == code(1, 2, 4));
  EXPECT_FALSE(code(2, 1, 3) == code(1, 2, 3));
}

}  // namespace
}  // namespace cinch::testing
