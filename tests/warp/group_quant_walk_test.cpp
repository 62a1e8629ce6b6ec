// What a warp does to groups, walked through on the CPU: byte for byte what the CPU codec makes.
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "src/codec/fixed_rate/warp_decode.h"
#include "src/codec/fixed_rate/warp_encode.h"
#include "tests/contract/support.h"
#include "tests/warp/walk.h"

namespace cinch::testing {
namespace {

using namespace cinch::codec;

struct Case {
  int bits;
  bool nearest;
  DType dtype;
};

// Calls f(integral_constant bits, bool_constant nearest, zero of the type).
template <class F>
void with_case(const Case& c, F f) {
  const auto typed = [&](auto bits, auto nearest) {
    if (c.dtype == DType::kFloat32) return f(bits, nearest, float{});
    if (c.dtype == DType::kBFloat16) return f(bits, nearest, Bf16{});
    return f(bits, nearest, Fp16{});
  };
  const auto rounded = [&](auto bits) { c.nearest ? typed(bits, std::true_type()) : typed(bits, std::false_type()); };
  switch (c.bits) {
    case 1:
      return rounded(std::integral_constant<int, 1>());
    case 2:
      return rounded(std::integral_constant<int, 2>());
    case 4:
      return rounded(std::integral_constant<int, 4>());
    default:
      return rounded(std::integral_constant<int, 8>());
  }
}

std::shared_ptr<const Codec> codec_of(const Case& c) {
  return make_codec(
      {"group_quant", {{"bits", int64_t{c.bits}}, {"rounding", std::string(c.nearest ? "nearest" : "stochastic")}}});
}

Buffer activations(int64_t n, DType dtype, uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal(0.3, 2.0);
  std::vector<double> values(static_cast<size_t>(n));
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = normal(random);
    if (i / 256 % 3 == 1) values[i] = std::max(values[i], 0.0);  // as a ReLU leaves them
    if (i / 256 % 7 == 3) values[i] = -0.0;
    if (i / 256 % 7 == 5) values[i] = 1e-3 * static_cast<double>(i % 256) * (i % 2 == 0 ? 1 : -1);
  }
  return floats(values, dtype);
}

template <int kBits, bool kNearest, class T>
Buffer walk_encode(const Buffer& data, int64_t n, uint64_t key, const Buffer& reference, uint32_t* poisoned,
                   int64_t blocks = 3) {
  Buffer out(reference.data(), reference.size());
  const int64_t groups = group_count(n);
  // Only header and gap are the reference's.
  std::memset(out.data() + sides_offset(), 0x5a, static_cast<size_t>(groups * int64_t{sizeof(Sides)}));
  std::memset(out.data() + codes_offset(groups), 0x5a, static_cast<size_t>(groups * code_bytes(kBits)));
  const EncodeJob<TensorSource<T>> job{{reinterpret_cast<const T*>(data.data()), n},
                                       key,
                                       reinterpret_cast<Sides*>(out.data() + sides_offset()),
                                       out.data() + codes_offset(groups),
                                       poisoned};
  walk(encoding_pieces<T>(n), blocks, kScratchWords,
       [&](const HostWarp& warp, int64_t piece) { encode_piece<kBits, kNearest>(warp, job, piece); });
  EXPECT_TRUE(out.intact());
  return out;
}

CodedGroups coded(const Buffer& payload, int64_t n) {
  return {reinterpret_cast<const Sides*>(payload.data() + sides_offset()),
          payload.data() + codes_offset(group_count(n)), n};
}

class GroupQuantWalk : public ::testing::TestWithParam<Case> {
 protected:
  const CodecContext context_{11, 12, 13, &serial_executor(), nullptr};
  uint64_t key(int bits) const { return rng_key(context_, kGroupQuantMagic + static_cast<uint64_t>(bits)); }
};

const std::vector<int64_t> kLengths{1, 3, 4, 7, 8, 9, 255, 256, 257, 511, 512, 513, 767, 1024, 5000, 33'333};

TEST_P(GroupQuantWalk, EncodesToTheBytesOfTheCpu) {
  const Case c = GetParam();
  for (const int64_t n : kLengths)
    for (const int64_t shift : {0, 1}) {
      const Buffer values = activations(n, c.dtype, static_cast<uint32_t>(n));
      const Buffer data(values.data(), values.size(), shift * dtype_bytes(c.dtype));
      const auto expected = encode(*codec_of(c), {data.data(), n, c.dtype}, {}, context_);
      ASSERT_TRUE(expected.has_value());
      with_case(c, [&](auto bits, auto nearest, auto zero) {
        uint32_t poisoned = 0;
        const Buffer out = walk_encode<decltype(bits)::value, decltype(nearest)::value, decltype(zero)>(
            data, n, key(c.bits), *expected, &poisoned);
        EXPECT_TRUE(out == *expected) << n << " values, shifted by " << shift;
        EXPECT_EQ(poisoned, 0u);
      });
    }
}

TEST_P(GroupQuantWalk, DecodesToTheValuesOfTheCpu) {
  const Case c = GetParam();
  for (const int64_t n : kLengths) {
    const Buffer data = activations(n, c.dtype, static_cast<uint32_t>(n));
    const auto payload = encode(*codec_of(c), {data.data(), n, c.dtype}, {}, context_);
    ASSERT_TRUE(payload.has_value());
    const Buffer expected = decode(*codec_of(c), *payload, n, c.dtype, context_);
    with_case(c, [&](auto bits, auto, auto zero) {
      using T = decltype(zero);
      Buffer out(data.size());
      const DecodeJob<T> job{coded(*payload, n), reinterpret_cast<T*>(out.data())};
      walk(decoding_pieces(n), 2, 0,
           [&](const HostWarp& warp, int64_t piece) { decode_piece<decltype(bits)::value>(warp, job, piece); });
      EXPECT_TRUE(out.intact());
      EXPECT_TRUE(out == expected) << n << " values";
    });
  }
}

TEST_P(GroupQuantWalk, RecodesToTheBytesOfTheCpu) {
  const Case c = GetParam();
  if (c.bits == 8) return;
  const Case finer{c.bits * 2, c.nearest, c.dtype};
  for (const int64_t n : {int64_t{1}, int64_t{300}, int64_t{4096}, int64_t{10'001}}) {
    const Buffer data = activations(n, c.dtype, 3);
    const auto fine = encode(*codec_of(finer), {data.data(), n, c.dtype}, {}, context_);
    Buffer expected(codec_of(c)->payload_bound(n, c.dtype, {}));
    ASSERT_TRUE(codec_of(finer)->recode(fine->span(), n, c.dtype, *codec_of(c), expected.span(), context_).has_value());
    with_case(c, [&](auto bits, auto nearest, auto) {
      constexpr int kBits = decltype(bits)::value;
      if constexpr (kBits < 8) {
        Buffer out(expected.data(), expected.size());
        const int64_t groups = group_count(n);
        std::memset(out.data() + codes_offset(groups), 0x5a, static_cast<size_t>(groups * code_bytes(kBits)));
        const EncodeJob<CodedSource<2 * kBits>> job{{coded(*fine, n)},
                                                    key(kBits),
                                                    reinterpret_cast<Sides*>(out.data() + sides_offset()),
                                                    out.data() + codes_offset(groups),
                                                    nullptr};
        walk(encoding_pieces<float>(n), 2, kScratchWords, [&](const HostWarp& warp, int64_t piece) {
          encode_piece<kBits, decltype(nearest)::value>(warp, job, piece);
        });
        EXPECT_TRUE(out == expected) << n << " values";
      }
    });
  }
}

// The CPU codec declines such a tensor; a kernel gives NaN for the groups concerned, and leaves the others alone.
TEST_P(GroupQuantWalk, PoisonsGroupsThatCannotBeCoded) {
  const Case c = GetParam();
  const int64_t n = 256 * 5 + 17;
  for (const double bad : {double{NAN}, -double{NAN}, double{INFINITY}, -double{INFINITY}, 0x1p118, -0x1p118}) {
    if (c.dtype == DType::kFloat16 && std::fabs(bad) == 0x1p118) continue;  // is infinite there
    std::vector<double> values(static_cast<size_t>(n));
    for (size_t i = 0; i < values.size(); ++i) values[i] = std::sin(static_cast<double>(i));
    const Buffer good = floats(values, c.dtype);
    values[300] = bad;
    values[static_cast<size_t>(n) - 1] = bad;
    const Buffer data = floats(values, c.dtype);
    const auto reference = encode(*codec_of(c), {good.data(), n, c.dtype}, {}, context_);
    EXPECT_FALSE(encode(*codec_of(c), {data.data(), n, c.dtype}, {}, context_).has_value());
    with_case(c, [&](auto bits, auto nearest, auto zero) {
      using T = decltype(zero);
      uint32_t poisoned = 0;
      const Buffer payload =
          walk_encode<decltype(bits)::value, decltype(nearest)::value, T>(data, n, key(c.bits), *reference, &poisoned);
      EXPECT_EQ(poisoned, 2u);
      const auto sides = reinterpret_cast<const Sides*>(payload.data() + sides_offset());
      const auto expected = reinterpret_cast<const Sides*>(reference->data() + sides_offset());
      for (int64_t g = 0; g < group_count(n); ++g) {
        const bool hit = g == 1 || g == 5;
        EXPECT_EQ(is_poisoned(sides[g]), hit) << g;
        EXPECT_EQ(sides[g].step == expected[g].step, !hit) << g;
      }
      Buffer out(data.size());
      const DecodeJob<T> job{coded(payload, n), reinterpret_cast<T*>(out.data())};
      walk(decoding_pieces(n), 1, 0,
           [&](const HostWarp& warp, int64_t piece) { decode_piece<decltype(bits)::value>(warp, job, piece); });
      for (int64_t i = 0; i < n; ++i)
        ASSERT_EQ(std::isnan(float_at(out.data(), i, c.dtype)), i / 256 == 1 || i / 256 == 5) << i;
    });
  }
}

// What stands in the place of IEEE divisions on a GPU gives their bits.
TEST(GroupQuantArithmetic, AReciprocalIsRoundedCorrectlyFromAnyNearOne) {
  for (int mantissa = 0; mantissa < 128; ++mantissa)
    for (const int exponent : {-99, -40, -1, 0, 3, 60, 118}) {
      const float step = std::ldexp(1.0f + static_cast<float>(mantissa) / 128.0f, exponent), exact = 1.0f / step;
      for (int ulps = -2; ulps <= 2; ++ulps) {
        const float near = std::bit_cast<float>(std::bit_cast<int32_t>(exact) + ulps);
        EXPECT_EQ(refined_reciprocal(step, near), exact) << step << ", " << ulps << " ulps off";
      }
    }
}

template <int kLevels>
void expect_quotients() {
  std::mt19937_64 random(kLevels);
  std::uniform_real_distribution<double> exponent(-126.0, 119.0);
  for (int i = 0; i < 200'000; ++i) {
    const double n = std::exp2(exponent(random));
    const auto with_zeros = static_cast<double>(static_cast<float>(n));  // as a range of floats often has
    ASSERT_EQ(divide_by_levels<kLevels>(n), n / kLevels);
    ASSERT_EQ(divide_by_levels<kLevels>(with_zeros), with_zeros / kLevels);
  }
  EXPECT_EQ(divide_by_levels<kLevels>(0.0), 0.0);
}

TEST(GroupQuantArithmetic, QuotientsByTheLevelsAreThoseOfADivision) {
  expect_quotients<1>();
  expect_quotients<3>();
  expect_quotients<15>();
  expect_quotients<255>();
}

std::vector<Case> all_cases() {
  std::vector<Case> cases;
  for (const int bits : {1, 2, 4, 8})
    for (const bool nearest : {false, true})
      for (const DType dtype : {DType::kFloat32, DType::kBFloat16, DType::kFloat16})
        cases.push_back({bits, nearest, dtype});
  return cases;
}

INSTANTIATE_TEST_SUITE_P(Cases, GroupQuantWalk, ::testing::ValuesIn(all_cases()), [](const auto& info) {
  return std::to_string(info.param.bits) + (info.param.nearest ? "_nearest_" : "_stochastic_") +
         std::string(to_string(info.param.dtype));
});

}  // namespace
}  // namespace cinch::testing
