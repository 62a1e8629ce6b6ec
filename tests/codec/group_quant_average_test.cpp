#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "cinch/error.h"
#include "src/backend/cuda/runtime.h"
#include "tests/codec/group_quant_reference.h"
#include "tests/codec/values.h"

namespace cinch::testing {
namespace {

std::shared_ptr<const Codec> average(double bits, const char* rounding = "stochastic") {
  return make_codec({"group_quant", {{"average_bits", bits}, {"rounding", std::string(rounding)}}});
}
std::shared_ptr<const Codec> uniform(int64_t bits) { return make_codec({"group_quant", {{"bits", bits}}}); }

// Channels of two groups, whose scales differ by up to 1.7^7 = 41.
std::vector<double> scaled(int64_t n, uint32_t seed) {
  std::vector<double> values = normal_values(n, 1.0, 0.0, seed);
  for (size_t i = 0; i < values.size(); ++i) values[i] *= std::pow(1.7, static_cast<double>(i / 512 * 3 % 8));
  return values;
}

// Where group_quant.md says that things are.
struct Parts {
  int64_t groups, chunks, offsets = 64, sides, widths, codes;
  explicit Parts(int64_t numel)
      : groups((numel + 255) / 256),
        chunks((groups + 127) / 128),
        sides(64 + 8 * chunks),
        widths(sides + 4 * groups),
        codes((widths + (groups + 3) / 4 + 63) / 64 * 64) {}
};

template <class T>
T read(const Buffer& payload, int64_t at) {
  T value;
  std::memcpy(&value, payload.data() + at, sizeof value);
  return value;
}

int width_of(const Buffer& payload, const Parts& at, int64_t g) {
  if (read<codec::Sides>(payload, at.sides + 4 * g).step == 0) return 0;
  return 1 << (read<uint8_t>(payload, at.widths + g / 4) >> (g % 4 * 2) & 3);
}

double mean_square_error(const std::vector<double>& a, const std::vector<double>& b) {
  EXPECT_EQ(a.size(), b.size());
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
  return sum / static_cast<double>(a.size());
}

TEST(GroupQuantAverage, EachGroupIsCodedAsTheScalarReferenceDoesWithItsWidth) {
  const CodecContext context{11, 22, 33, &serial_executor(), nullptr};
  const uint64_t key = codec::rng_key(context, codec::make_magic('C', 'G', 'A', '1'));
  for (const DType dtype : kFloats) {
    for (const bool nearest : {false, true}) {
      const int64_t n = 256 * 300 + 77;
      std::vector<double> values = scaled(n, 5);
      std::fill(values.begin() + 256 * 7, values.begin() + 256 * 9, 0.0);
      const Buffer data = floats(values, dtype);
      const auto payload =
          encode(*average(2.7, nearest ? "nearest" : "stochastic"), extent_of(data, dtype), {}, context);
      ASSERT_TRUE(payload.has_value());
      std::map<int, ReferencePayload> references;
      for (const int bits : {1, 2, 4, 8})
        references.emplace(bits, *reference_encode(extent_of(data, dtype), bits, nearest, key));
      const Parts at(n);
      std::map<int, int> seen;
      int64_t units = 0;
      for (int64_t g = 0; g < at.groups; ++g) {
        if (g % 128 == 0) {
          ASSERT_EQ(read<int64_t>(*payload, at.offsets + g / 128 * 8), units);
        }
        const int bits = width_of(*payload, at, g);
        ++seen[bits];
        ASSERT_EQ(bits == 0, g == 7 || g == 8) << g;
        if (bits == 0) continue;
        const ReferencePayload& expected = references.at(bits);
        const auto sides = read<codec::Sides>(*payload, at.sides + 4 * g);
        ASSERT_EQ(sides.minimum, expected.sides[static_cast<size_t>(g)].minimum);
        ASSERT_EQ(sides.step, expected.sides[static_cast<size_t>(g)].step);
        for (uint32_t i = 0; i < 256; ++i)
          ASSERT_EQ(code_at(payload->data() + at.codes + 32 * units, bits, i),
                    expected.codes[static_cast<size_t>(g)][i]);
        units += bits;
      }
      EXPECT_LE(units, static_cast<int64_t>(2.7 * static_cast<double>(at.groups)));
      EXPECT_GT(units, static_cast<int64_t>(2.7 * static_cast<double>(at.groups)) - 4);
      EXPECT_GE(seen.size(), 4u) << "widths 0, 1, 2, 4 at least";
    }
  }
}

TEST(GroupQuantAverage, TakesTheBytesThatItPromisesWhateverTheValues) {
  for (const int64_t n : {0, 1, 256, 257, 5000, 100'003}) {
    const Parts at(n);
    for (const double bits : {1.0, 1.01, 2.5, 8.0}) {
      const auto units = static_cast<int64_t>(bits * static_cast<double>(at.groups));
      EXPECT_EQ(average(bits)->payload_bound(n, DType::kFloat32, {}), at.codes + 32 * units);
      for (const std::vector<double>& values :
           {scaled(n, 1), std::vector<double>(static_cast<size_t>(n), 0.0), normal_values(n, 1, 100, 2)}) {
        const Buffer data = floats(values, DType::kFloat32);
        const auto payload = encode(*average(bits), extent_of(data, DType::kFloat32), {});
        ASSERT_TRUE(payload.has_value());
        EXPECT_EQ(payload->size(), at.codes + 32 * units);
        const TensorStats stats = compute_stats(extent_of(data, DType::kFloat32));
        EXPECT_EQ(average(bits)->estimate(stats, n, DType::kFloat32, {}).bytes, payload->size());
      }
    }
  }
}

TEST(GroupQuantAverage, HasNoMoreErrorThanOneWidthForAll) {
  const int64_t n = 256 * 600;
  for (const int64_t bits : {1, 2, 4, 8}) {
    const std::vector<double> alike = normal_values(n, 1.0, 0.0, 3), other = scaled(n, 4);
    // Two draws of the dither: their errors differ by chance, by 1 % at most.
    EXPECT_LE(mean_square_error(alike, coded(alike, *average(static_cast<double>(bits)), DType::kFloat32)),
              1.01 * mean_square_error(alike, coded(alike, *uniform(bits), DType::kFloat32)))
        << bits;
    EXPECT_LE(mean_square_error(other, coded(other, *average(static_cast<double>(bits)), DType::kFloat32)),
              1.01 * mean_square_error(other, coded(other, *uniform(bits), DType::kFloat32)))
        << bits;
  }
}

TEST(GroupQuantAverage, HasTwoFifthsOfTheErrorWhereScalesDiffer) {
  const std::vector<double> values = scaled(256 * 600, 6);
  for (const int64_t bits : {2, 4}) {
    EXPECT_LT(mean_square_error(values, coded(values, *average(static_cast<double>(bits)), DType::kFloat32)),
              mean_square_error(values, coded(values, *uniform(bits), DType::kFloat32)) * 0.4)
        << bits;
  }
}

TEST(GroupQuantAverage, MoreBitsNeverHurt) {
  const std::vector<double> values = scaled(256 * 200, 7);
  double before = std::numeric_limits<double>::infinity();
  for (double bits = 1; bits <= 8; bits += 0.5) {
    const double error = mean_square_error(values, coded(values, *average(bits), DType::kFloat32));
    EXPECT_LT(error, before) << bits;
    before = error;
  }
}

// As in IsUnbiasedOverSeeds of group_quant: Hoeffding for values within a step, 1024 seeds, t = 0.12 steps for one
// value (3e-10), t = 0.0046 for all 1025 of them together (less).
TEST(GroupQuantAverage, IsUnbiasedOverSeeds) {
  const int64_t n = 1025;
  const int seeds = 1024;
  std::vector<double> values = normal_values(n, 1.0, 0.0, 8);
  for (int64_t i = 256; i < 512; ++i) values[static_cast<size_t>(i)] *= 100;
  for (int64_t i = 512; i < 768; ++i) values[static_cast<size_t>(i)] *= 7;
  const Buffer data = floats(values, DType::kFloat32);
  const auto codec = average(3);
  const Parts at(n);
  std::vector<double> sum(static_cast<size_t>(n)), steps;
  double total = 0;
  for (int s = 0; s < seeds; ++s) {
    const auto payload = encode(*codec, extent_of(data, DType::kFloat32), {},
                                {static_cast<uint64_t>(s), 0, 0, &serial_executor(), nullptr});
    const Buffer out = decode(*codec, *payload, n, DType::kFloat32);
    if (steps.empty()) {
      for (int64_t g = 0; g < at.groups; ++g)
        steps.push_back(bf16_to_float(read<codec::Sides>(*payload, at.sides + 4 * g).step));
      EXPECT_EQ(width_of(*payload, at, 1), 8);
      EXPECT_EQ(width_of(*payload, at, 2), 4);
      EXPECT_EQ(width_of(*payload, at, 0), 1);
    }
    for (int64_t i = 0; i < n - 1; ++i) {
      const double e = (float_at(out.data(), i, DType::kFloat32) - float_at(data.data(), i, DType::kFloat32)) /
                       steps[static_cast<size_t>(i / 256)];
      sum[static_cast<size_t>(i)] += e;
      total += e;
    }
  }
  for (const double s : sum) EXPECT_LT(std::fabs(s) / seeds, 0.12);
  EXPECT_LT(std::fabs(total) / seeds / static_cast<double>(n), 0.0046);
}

TEST(GroupQuantAverage, KeepsConstantGroupsWithoutCodes) {
  std::vector<double> values(256 * 5 + 9, 0.0);
  for (size_t i = 0; i < 256; ++i) values[512 + i] = i % 2 == 0 ? -1.0 : 0.875;  // levels of 4 bits
  std::fill(values.begin() + 768, values.begin() + 1024, -2.5);
  for (const DType dtype : kFloats) EXPECT_EQ(coded(values, *average(1), dtype), values);
  for (double& v : values) v *= 0x1p-95;  // so narrow that no step could be stored
  for (const double v : coded(values, *average(8), DType::kFloat32)) EXPECT_LE(std::fabs(v), 0x1p-93);
}

TEST(GroupQuantAverage, CodesRangesOfAnySize) {
  for (const double scale : {0x1p-92, 0x1p-91, 0x1p-90, 0x1p-60, 0x1p116}) {
    for (const double bits : {1.0, 3.0, 8.0}) {
      std::vector<double> values = normal_values(3000, scale / 6, 0.0, 9);
      const std::vector<double> out = coded(values, *average(bits), DType::kFloat32);
      ASSERT_EQ(out.size(), values.size());
      for (size_t i = 0; i < values.size(); ++i) ASSERT_LE(std::fabs(out[i] - values[i]), 1.5 * scale) << scale;
    }
  }
}

TEST(GroupQuantAverage, DeclinesWhatIsNotFiniteOrTooLarge) {
  const double nan = std::numeric_limits<double>::quiet_NaN(), inf = std::numeric_limits<double>::infinity();
  for (const double bad : {nan, inf, -inf, 0x1p118}) {
    for (const size_t place : {0u, 255u, 511u, 519u}) {
      std::vector<double> values = normal_values(520, 1, 0, 10);
      values[place] = bad;
      EXPECT_TRUE(coded(values, *average(2), DType::kFloat32).empty()) << bad << " at " << place;
    }
  }
}

TEST(GroupQuantAverage, RefusesWidthsAndOffsetsThatDoNotFit) {
  const int64_t n = 256 * 300;
  const Buffer data = floats(scaled(n, 11), DType::kFloat32);
  const auto codec = average(2);
  const Buffer payload = *encode(*codec, extent_of(data, DType::kFloat32), {});
  const Parts at(n);
  const auto refused = [&](const auto& damage) {
    Buffer damaged(payload.data(), payload.size());
    damage(damaged.data());
    EXPECT_THROW(decode(*codec, damaged, n, DType::kFloat32), CodecError);
  };
  for (const int64_t offset : {int64_t{-1}, int64_t{1} << 40, std::numeric_limits<int64_t>::min(),
                               std::numeric_limits<int64_t>::max(), int64_t{601}})
    for (int64_t chunk = 0; chunk < at.chunks; ++chunk)
      refused([&](std::byte* p) { std::memcpy(p + at.offsets + 8 * chunk, &offset, 8); });
  refused([&](std::byte* p) { std::memset(p + at.widths, 0xff, 75); });
  refused([&](std::byte* p) { p[at.widths] ^= std::byte{1}; });
  refused([&](std::byte* p) { std::memset(p + at.sides + 2, 0, 2); });
}

TEST(GroupQuantAverage, IsAFormatOfItsOwn) {
  const int64_t n = 3000;
  const Buffer data = floats(scaled(n, 12), DType::kFloat32);
  const Buffer mixed = *encode(*average(4), extent_of(data, DType::kFloat32), {});
  const Buffer one = *encode(*uniform(4), extent_of(data, DType::kFloat32), {});
  EXPECT_THROW(decode(*uniform(4), mixed, n, DType::kFloat32), CodecError);
  EXPECT_THROW(decode(*average(4), one, n, DType::kFloat32), CodecError);
  EXPECT_THROW(decode(*average(4.5), mixed, n, DType::kFloat32), CodecError);
  EXPECT_THROW(decode(*average(4, "nearest"), mixed, n, DType::kFloat32), CodecError);
  Buffer out(100'000);
  EXPECT_FALSE(average(4)->recode(mixed.span(), n, DType::kFloat32, *uniform(2), out.span(), {}).has_value());
  EXPECT_FALSE(uniform(4)->recode(one.span(), n, DType::kFloat32, *average(2), out.span(), {}).has_value());
}

TEST(GroupQuantAverage, IsForFloatsAndAsManyGroupsAsCanBeCounted) {
  EXPECT_EQ(average(2)->supports(DType::kFloat32, DeviceKind::kCuda), backend::cuda_built());
  EXPECT_FALSE(average(2)->supports(DType::kFloat64, DeviceKind::kCpu));
  const int64_t most = int64_t{1} << 39;
  EXPECT_GT(average(2)->payload_bound(most, DType::kFloat32, {}), most / 4);
  EXPECT_THROW(average(2)->payload_bound(most + 1, DType::kFloat32, {}), CodecError);
  EXPECT_EQ(uniform(2)->spec().get_double("average_bits", -1), 0);
}

}  // namespace
}  // namespace cinch::testing
