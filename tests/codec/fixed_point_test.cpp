#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "src/codec/fixed_rate/channel_sides.h"
#include "tests/codec/group_quant_reference.h"
#include "tests/codec/values.h"

namespace cinch::testing {
namespace {

std::shared_ptr<const Codec> fixed_point(int64_t bits) { return make_codec({"fixed_point", {{"bits", bits}}}); }

int64_t channels_of(const SideInfo& side) { return side.grid->channels * side.grid->inner; }

std::vector<codec::ChannelSides> sides_in(const Buffer& payload, int64_t channels) {
  std::vector<codec::ChannelSides> sides(static_cast<size_t>(channels));
  std::memcpy(sides.data(), payload.data() + 64, sides.size() * 4);
  return sides;
}

// fixed_point.md one value at a time, given the sides.
TEST(FixedPoint, EqualsTheScalarReferenceOnEveryInstructionSet) {
  for (const DType dtype : kFloats) {
    for (const SideInfo& side : odd_grids(2)) {
      const int64_t n = values_in(side), channels = channels_of(side);
      std::vector<double> values = normal_values(n, 1.0, 0.4, 5);
      for (size_t e = 0; e < values.size(); e += 7) values[e] *= 30;  // beyond the range
      const Buffer data = floats(values, dtype);
      for (const int bits : {4, 8}) {
        std::optional<Buffer> first;
        on_every_instruction_set([&](const std::string&) {
          const auto payload = encode(*fixed_point(bits), extent_of(data, dtype), side);
          ASSERT_TRUE(payload.has_value());
          if (!first) first.emplace(*payload);
          ASSERT_TRUE(*payload == *first);
          const auto sides = sides_in(*payload, channels);
          const Buffer out = decode(*fixed_point(bits), *payload, n, dtype);
          const std::byte* codes = payload->data() + codec::align64(64 + 4 * channels);
          for (int64_t e = 0; e < n; ++e) {
            const codec::ChannelSides s = sides[static_cast<size_t>(place_of(*side.grid, e).channel)];
            const auto x = static_cast<float>(float_at(data.data(), e, dtype));
            const float step = bf16_to_float(s.step), levels = static_cast<float>(1 << bits);
            const float cell = std::floor(std::fmin(std::fmax(x * (1.0f / step), -levels), levels));
            const float kept = x > 0 ? std::fmax(cell, 0.0f) : std::fmin(cell, -1.0f);
            const auto shift = static_cast<float>(s.shift);
            const float code = std::fmin(std::fmax(kept + shift, 0.0f), levels - 1);
            ASSERT_EQ(code_at(codes + e / 256 * codec::code_bytes(bits), bits, static_cast<uint32_t>(e % 256)),
                      static_cast<uint32_t>(code));
            const Buffer expected = floats({static_cast<double>((code - shift + 0.5f) * step)}, dtype);
            ASSERT_EQ(float_at(out.data(), e, dtype), float_at(expected.data(), 0, dtype));
          }
        });
      }
    }
  }
}

// x > 0 of every value, whatever its channel looks like: far from zero, constant, denormal, huge, mixed.
TEST(FixedPoint, KeepsTheSignOfEveryValue) {
  const double tiny32 = 1e-45, tiny16 = 0x1p-24;
  for (const DType dtype : kFloats) {
    const double tiny = dtype == DType::kFloat16 ? tiny16 : tiny32 * (dtype == DType::kBFloat16 ? 0x1p16 : 1);
    const double huge = dtype == DType::kFloat16 ? 65504 : 0x1p117;
    for (const SideInfo& side : odd_grids(2)) {
      const auto n = static_cast<size_t>(values_in(side));
      for (const double mean : {0.0, 0.5, 20.0, -20.0, 1e-40, tiny}) {
        for (const double sigma : {0.0, 1.0, 1e-3, tiny}) {
          std::vector<double> values = normal_values(static_cast<int64_t>(n), sigma, mean, 6);
          const double specials[] = {tiny, -tiny, 0.0, -0.0, huge, -huge, 1.0, -1.0};
          for (size_t e = 5; e < n; e += 97) values[e] = specials[e / 97 % 8];
          const Buffer data = floats(values, dtype);
          for (const int64_t bits : {4, 8}) {
            on_every_instruction_set([&](const std::string&) {
              const std::vector<double> out = coded(values, *fixed_point(bits), dtype, side);
              ASSERT_EQ(out.size(), n);
              for (size_t e = 0; e < n; ++e) {
                const double x = float_at(data.data(), static_cast<int64_t>(e), dtype);
                ASSERT_EQ(x > 0, out[e] > 0) << x << " became " << out[e] << ", mean " << mean << " sigma " << sigma;
                ASSERT_TRUE(std::isfinite(out[e]));
              }
            });
          }
        }
      }
    }
  }
}

// Half a cell within 3 deviations, the distance to the range and half a cell beyond; the range is asked of the sides.
TEST(FixedPoint, ErrsByHalfACellWithinTheRange) {
  for (const SideInfo& side : odd_grids(2)) {
    const int64_t n = values_in(side);
    const std::vector<double> values = normal_values(n, 2.0, 1.0, 8);
    const Buffer data = floats(values, DType::kFloat32);
    for (const int bits : {4, 8}) {
      const auto payload = encode(*fixed_point(bits), extent_of(data, DType::kFloat32), side);
      const Buffer out = decode(*fixed_point(bits), *payload, n, DType::kFloat32);
      const auto sides = sides_in(*payload, channels_of(side));
      for (int64_t e = 0; e < n; ++e) {
        const auto s = sides[static_cast<size_t>(place_of(*side.grid, e).channel)];
        const double step = bf16_to_float(s.step), low = -s.shift * step, high = ((1 << bits) - s.shift) * step;
        const double x = float_at(data.data(), e, DType::kFloat32), y = float_at(out.data(), e, DType::kFloat32);
        const double beyond = std::max({0.0, low - x, x - high});
        EXPECT_LE(std::fabs(x - y), beyond + step / 2 * (1 + 0x1p-20));
      }
    }
  }
}

TEST(FixedPoint, CellsAreThoseOfThePaperAroundZero) {
  for (const int bits : {4, 8}) {
    const int levels = 1 << bits;
    for (const double mean : {0.0, 1.0, -1.0, 2.5, -2.5}) {  // in deviations of 2
      const auto s = codec::channel_cells(2 * mean, 2, bits, DType::kFloat32);
      EXPECT_NEAR(bf16_to_float(s.step), 12.0 / levels, 12.0 / levels * 0x1p-7);
      EXPECT_NEAR(s.shift, levels / 2 - std::floor(mean * levels / 6), 1 + levels * 0x1p-7);
      EXPECT_GE(s.shift, 1);
      EXPECT_LE(s.shift, levels - 1);
    }
  }
}

TEST(FixedPoint, CellsReachFromZeroToAFarRange) {
  for (const int bits : {4, 8}) {
    const int levels = 1 << bits;
    const auto above = codec::channel_cells(20, 1, bits, DType::kFloat32);
    EXPECT_EQ(above.shift, 1);
    EXPECT_GE((levels - 1) * bf16_to_float(above.step), 23);
    const auto below = codec::channel_cells(-20, 1, bits, DType::kFloat32);
    EXPECT_EQ(below.shift, levels - 1);
    EXPECT_GE((levels - 1) * bf16_to_float(below.step), 23);
  }
}

TEST(FixedPoint, ChannelsHaveCellsOfTheirOwn) {
  SideInfo side;
  side.grid = Grid{64, {1, 8, 8}, 1, 4};
  std::vector<double> values = normal_values(values_in(side), 1.0, 0.0, 9);
  for (size_t e = 0; e < values.size(); ++e) values[e] *= std::pow(10.0, static_cast<double>(e / 64 % 4));
  const Buffer data = floats(values, DType::kFloat32);
  const auto sides = sides_in(*encode(*fixed_point(8), extent_of(data, DType::kFloat32), side), 4);
  // A deviation from 512 values is within 16 %, 5 standard errors, but for one in a million.
  for (size_t c = 0; c < 4; ++c)
    EXPECT_NEAR(bf16_to_float(sides[c].step) / std::pow(10.0, static_cast<double>(c)), 6.0 / 256, 6.0 / 256 * 0.17);
}

TEST(FixedPoint, DeclinesWhatIsNotFiniteOrTooLarge) {
  const double nan = std::numeric_limits<double>::quiet_NaN(), inf = std::numeric_limits<double>::infinity();
  for (const DType dtype : kFloats) {
    for (const SideInfo& side : odd_grids(2)) {
      for (const double bad : {nan, -nan, inf, -inf, 0x1p118, -0x1p120}) {
        if (dtype == DType::kFloat16 && std::isfinite(bad)) continue;
        const int64_t n = values_in(side);
        for (const int64_t place : {int64_t{0}, n / 3, n / 2 + 5, n - 1}) {
          std::vector<double> values(static_cast<size_t>(n), 1.0);
          values[static_cast<size_t>(place)] = bad;
          on_every_instruction_set([&](const std::string&) {
            EXPECT_TRUE(coded(values, *fixed_point(4), dtype, side).empty()) << bad << " at " << place << " of " << n;
          });
        }
      }
    }
  }
}

TEST(FixedPoint, AnEmptyTensorIsAHeader) {
  SideInfo side;
  side.grid = Grid{0, {1, 8, 8}, 1, 1};
  const Buffer nothing(0);
  const auto payload = encode(*fixed_point(4), {nothing.data(), 0, DType::kFloat32}, side);
  ASSERT_TRUE(payload.has_value());
  EXPECT_EQ(payload->size(), 64);
  decode(*fixed_point(4), *payload, 0, DType::kFloat32);
}

}  // namespace
}  // namespace cinch::testing
