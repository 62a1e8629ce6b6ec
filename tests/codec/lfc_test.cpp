#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "src/codec/fixed_rate/lfc_layout.h"
#include "tests/codec/group_quant_reference.h"
#include "tests/codec/values.h"

namespace cinch::testing {
namespace {

std::shared_ptr<const Codec> lfc(int64_t block, int64_t bits) {
  return make_codec({"lfc", {{"block", block}, {"bits", bits}}});
}

// lfc.md one value at a time: what a payload must hold, and what it decodes to.
struct Reference {
  std::vector<float> averages;  // of each value
  std::vector<codec::Sides> sides;
  std::vector<uint32_t> codes;
  std::vector<float> decoded;
};

Reference reference(const Buffer& data, DType dtype, const SideInfo& side, int64_t block, int bits,
                    const CodecContext& context) {
  const int64_t n = extent_of(data, dtype).numel;
  const Grid grid = grid_of(side, n);
  std::vector<float> x;
  for (int64_t e = 0; e < n; ++e) x.push_back(static_cast<float>(float_at(data.data(), e, dtype)));
  Reference r;
  r.averages = block_averages(x, grid, block);
  std::vector<float> low(static_cast<size_t>(grid.outer * grid.inner), INFINITY), high(low.size(), -INFINITY);
  const auto map_of = [&](size_t e) { return static_cast<size_t>(place_of(grid, static_cast<int64_t>(e)).map); };
  for (size_t e = 0; e < x.size(); ++e) {
    const float residual = x[e] - r.averages[e];
    low[map_of(e)] = std::fmin(low[map_of(e)], residual);
    high[map_of(e)] = std::fmax(high[map_of(e)], residual);
  }
  for (size_t m = 0; m < low.size(); ++m) r.sides.push_back(codec::make_sides(low[m], high[m], (1 << bits) - 1));
  const uint64_t key = codec::rng_key(context, codec::kLfcMagic + static_cast<uint64_t>(bits));
  const int fraction = 16 - bits;
  for (size_t e = 0; e < x.size(); ++e) {
    const codec::Sides s = r.sides[map_of(e)];
    const float minimum = bf16_to_float(s.minimum), step = bf16_to_float(s.step);
    const float scale = step > 0 ? static_cast<float>(1 << fraction) / step : 0.0f;
    const float residual = x[e] - r.averages[e];
    const float above = residual - minimum;
    const auto t = static_cast<uint32_t>(std::nearbyint(above * scale));
    const auto row = static_cast<uint32_t>(e % 256 / 16), column = static_cast<uint32_t>(e % 16);
    const uint32_t draw = codec::draw(codec::group_key(key, static_cast<int64_t>(e / 256)), column, row / 2);
    r.codes.push_back((t + (draw >> (row % 2 * 16) & ((1u << fraction) - 1))) >> fraction);
    const float product = static_cast<float>(r.codes.back()) * step;
    const float restored = minimum + product;
    r.decoded.push_back(r.averages[e] + restored);
  }
  return r;
}

TEST(Lfc, EqualsTheScalarReferenceOnEveryInstructionSet) {
  const CodecContext context{11, 22, 33, &serial_executor(), nullptr};
  for (const DType dtype : kFloats) {
    for (const SideInfo& side : odd_grids(2)) {
      const int64_t n = values_in(side);
      const Buffer data = floats(normal_values(n, 1.0, 0.4, 5), dtype);
      for (const int64_t block : {1, 2, 3, 4, 8, 16, 64}) {
        for (const int bits : {1, 2, 4, 8}) {
          const Reference expected = reference(data, dtype, side, block, bits, context);
          const auto layout = codec::lfc_layout(*side.grid, codec::blocks_of(*side.grid, block), n, bits);
          on_every_instruction_set([&](const std::string&) {
            const auto payload = encode(*lfc(block, bits), extent_of(data, dtype), side, context);
            ASSERT_TRUE(payload.has_value());
            ASSERT_EQ(std::memcmp(payload->data() + layout.sides, expected.sides.data(), expected.sides.size() * 4), 0);
            for (size_t e = 0; e < expected.codes.size(); ++e)
              ASSERT_EQ(
                  code_at(payload->data() + layout.codes + static_cast<int64_t>(e / 256) * codec::code_bytes(bits),
                          bits, static_cast<uint32_t>(e % 256)),
                  expected.codes[e])
                  << block << " " << bits << " value " << e << " of " << n;
            const Buffer out = decode(*lfc(block, bits), *payload, n, dtype);
            const Buffer rounded = floats({expected.decoded.begin(), expected.decoded.end()}, dtype);
            ASSERT_TRUE(out == rounded) << block << " " << bits << " inner " << side.grid->inner;
          });
        }
      }
    }
  }
}

// Hoeffding: a value's errors lie in an interval of one step, so the mean of S = 1024 of them leaves +-0.12 steps with
// a probability of 3e-10; the mean over all 702 values and seeds +-0.004 steps with 2 exp(-2 * 718848 * 0.004^2) =
// 2e-10.
TEST(Lfc, IsUnbiasedOverSeeds) {
  SideInfo side;
  side.grid = Grid{2, {1, 13, 27}, 1, 2};
  const int64_t n = values_in(side);
  const int seeds = 1024;
  const std::vector<double> values = normal_values(n, 1.0, 0.0, 7);
  const Buffer data = floats(values, DType::kFloat32);
  for (const int bits : {1, 2, 4, 8}) {
    const auto layout = codec::lfc_layout(*side.grid, codec::blocks_of(*side.grid, 4), n, bits);
    std::vector<double> sum(values.size());
    double total = 0;
    for (int seed = 0; seed < seeds; ++seed) {
      const CodecContext context{static_cast<uint64_t>(seed), 0, 0, &serial_executor(), nullptr};
      const auto payload = encode(*lfc(4, bits), extent_of(data, DType::kFloat32), side, context);
      ASSERT_TRUE(payload.has_value());
      const Buffer out = decode(*lfc(4, bits), *payload, n, DType::kFloat32);
      codec::Sides sides[2];
      std::memcpy(sides, payload->data() + layout.sides, sizeof sides);
      for (int64_t e = 0; e < n; ++e) {
        const double step = bf16_to_float(sides[e / 351].step);
        const double error =
            (float_at(out.data(), e, DType::kFloat32) - float_at(data.data(), e, DType::kFloat32)) / step;
        sum[static_cast<size_t>(e)] += error;
        total += error;
      }
    }
    for (const double s : sum) EXPECT_LT(std::fabs(s) / seeds, 0.12) << bits << " bits";
    EXPECT_LT(std::fabs(total) / seeds / static_cast<double>(n), 0.004) << bits << " bits";
  }
}

TEST(Lfc, PaysOffWhereNeighboursResembleEachOther) {
  SideInfo side;
  side.grid = Grid{16, {1, 32, 32}, 1, 16};
  const int64_t n = values_in(side);
  std::vector<double> values = normal_values(n, 0.1, 0.0, 3);
  for (size_t e = 0; e < values.size(); ++e)
    values[e] += 5 * std::sin(static_cast<double>(e % 32) / 20) * std::cos(static_cast<double>(e / 32 % 32) / 20);
  const auto error = [&](const Codec& codec) {
    const std::vector<double> out = coded(values, codec, DType::kFloat32, side);
    double squares = 0;
    for (size_t e = 0; e < values.size(); ++e) squares += (out[e] - values[e]) * (out[e] - values[e]);
    return squares;
  };
  EXPECT_LT(4 * error(*lfc(4, 2)), error(*make_codec({"group_quant", {{"bits", int64_t{2}}}})));
}

TEST(Lfc, ConstantsAreTheirAverage) {
  for (const DType dtype : kFloats) {
    for (const SideInfo& side : odd_grids(2)) {
      const auto n = static_cast<size_t>(values_in(side));
      for (const double constant : {0.0, 1.0, -2.5, 1024.0}) {  // bfloat16 numbers, exact whatever the block
        const std::vector<double> values(n, constant);
        EXPECT_EQ(coded(values, *lfc(8, 2), dtype, side), values) << constant;
      }
      for (const double v : coded(std::vector<double>(n, -0.0), *lfc(8, 2), dtype, side))
        EXPECT_TRUE(v == 0.0 && !std::signbit(v));
      for (const double v : coded(std::vector<double>(n, 1e-40), *lfc(8, 2), dtype, side))
        EXPECT_LE(std::fabs(v), 1e-36);
    }
  }
}

TEST(Lfc, DeclinesWhatIsNotFiniteOrTooLarge) {
  const double nan = std::numeric_limits<double>::quiet_NaN(), inf = std::numeric_limits<double>::infinity();
  for (const DType dtype : kFloats) {
    for (const SideInfo& side : odd_grids(2)) {
      for (const double bad : {nan, -nan, inf, -inf, 0x1p126}) {
        if (dtype == DType::kFloat16 && std::isfinite(bad)) continue;
        const int64_t n = values_in(side);
        for (const int64_t place : {int64_t{0}, n / 3, n / 2 + 5, n - 1}) {
          std::vector<double> values(static_cast<size_t>(n), 1.0);
          values[static_cast<size_t>(place)] = bad;
          on_every_instruction_set([&](const std::string&) {
            EXPECT_TRUE(coded(values, *lfc(8, 2), dtype, side).empty()) << bad << " at " << place << " of " << n;
          });
        }
      }
    }
  }
}

TEST(Lfc, CodesEverythingBelowItsLimit) {
  for (const SideInfo& side : odd_grids(2)) {
    std::vector<double> values = normal_values(values_in(side), 0x1p105, 0.0, 4);
    values[3] = -0x1.fp107;
    const std::vector<double> out = coded(values, *lfc(64, 8), DType::kFloat32, side);
    ASSERT_EQ(out.size(), values.size());
    for (const double v : out) EXPECT_TRUE(std::isfinite(v));
  }
}

TEST(Lfc, AnEmptyTensorIsAHeader) {
  for (const bool with_grid : {false, true}) {
    SideInfo side;
    if (with_grid) side.grid = Grid{0, {1, 8, 8}, 1, 1};
    const Buffer nothing(0);
    const auto payload = encode(*lfc(8, 2), {nothing.data(), 0, DType::kFloat32}, side);
    ASSERT_TRUE(payload.has_value());
    EXPECT_EQ(payload->size(), 64);
    decode(*lfc(8, 2), *payload, 0, DType::kFloat32);
  }
}

TEST(Lfc, BytesAreThoseOfThePaper) {  // 2 + 16 / B^2 + 32 / (H W) bits a value, and a header
  for (const int64_t size : {56, 16}) {
    SideInfo side;
    side.grid = Grid{1024, {1, size, size}, 1, 64};
    const int64_t n = values_in(side);
    const double bits =
        static_cast<double>(lfc(8, 2)->payload_bound(n, DType::kFloat32, side)) * 8 / static_cast<double>(n);
    EXPECT_NEAR(bits, 2 + 16.0 / 64 + 32.0 / static_cast<double>(size * size), 0.02);
  }
}

}  // namespace
}  // namespace cinch::testing
