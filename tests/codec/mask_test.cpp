#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "cinch/error.h"
#include "src/codec/lossless/surrogate.h"
#include "tests/contract/support.h"

namespace cinch::testing {
namespace {

using enum PredicateKind;
constexpr DType kFloats[] = {DType::kFloat32, DType::kBFloat16, DType::kFloat16, DType::kFloat64};
constexpr double kNan = std::numeric_limits<double>::quiet_NaN(), kInf = std::numeric_limits<double>::infinity();

std::vector<double> masked(const std::vector<double>& values, const Predicate& p, DType dtype) {
  const auto codec = make_codec({"mask", {}});
  const Buffer data = floats(values, dtype);
  const auto n = static_cast<int64_t>(values.size());
  const auto payload = encode(*codec, {data.data(), n, dtype}, {p, {}});
  if (!payload) return {};
  const Buffer out = decode(*codec, *payload, n, dtype);
  std::vector<double> result;
  for (int64_t i = 0; i < n; ++i) result.push_back(float_at(out.data(), i, dtype));
  return result;
}

TEST(Mask, ReluSeesOneAndZeroAndPassesNan) {
  const double tiny = 1e-7;
  for (const DType d : kFloats) {
    EXPECT_EQ(masked({0.0, -0.0, tiny, -tiny, 5, -5, kInf, -kInf, kNan}, {kGreater, 0, 0, true}, d),
              (std::vector<double>{0, 0, 1, 0, 1, 0, 1, 0, 1}));
    EXPECT_EQ(masked({kNan, 1, -1}, {kGreater, 0, 0, false}, d), (std::vector<double>{0, 1, 0}));
  }
}

TEST(Mask, SignHasThreeAnswersAndNanIsZero) {
  for (const DType d : kFloats) {
    EXPECT_EQ(masked({0.0, -0.0, 2, -2, kInf, -kInf, kNan}, {kSign, 0, 0, false}, d),
              (std::vector<double>{0, 0, 1, -1, 1, -1, 0}));
  }
}

TEST(Mask, IntervalsAreOpenOrClosedAsTheOpIs) {
  for (const DType d : kFloats) {
    const auto inside = [](double v) { return v > -1 && v < 1; };
    const auto open = masked({-1, 1, 0.5, kInf, kNan}, {kOpenInterval, -1, 1, false}, d);
    const auto closed = masked({-1, 1, 0.5, kInf, kNan}, {kClosedInterval, -1, 1, true}, d);
    ASSERT_EQ(open.size(), 5u);
    ASSERT_EQ(closed.size(), 5u);
    for (size_t i = 0; i < 5; ++i) EXPECT_EQ(inside(open[i]), i == 2);
    for (size_t i = 0; i < 5; ++i) EXPECT_EQ(std::fabs(closed[i]) <= 1, i != 3);
  }
}

TEST(Mask, BoundsOfFloat64AreNotRounded) {
  const double above = std::nextafter(0.1, 1), at = 0.1;
  const auto out = masked({at, above}, {kGreater, 0.1, 0, false}, DType::kFloat64);
  ASSERT_EQ(out.size(), 2u);
  EXPECT_FALSE(out[0] > 0.1);
  EXPECT_TRUE(out[1] > 0.1);
}

TEST(Mask, BoundsOfFloat32AreRoundedAsTheOpDoes) {
  const float bound = 0.1f;  // above 0.1
  const auto out = masked({bound, std::nextafter(bound, 1.0f)}, {kGreater, 0.1, 0, false}, DType::kFloat32);
  ASSERT_EQ(out.size(), 2u);
  EXPECT_FALSE(out[0] > static_cast<double>(bound));
  EXPECT_TRUE(out[1] > static_cast<double>(bound));
}

TEST(Mask, SurrogatesStandOnTheirSideInEveryDtype) {
  for (const DType d : kFloats) {
    for (const double b : {0.0, 0.1, -0.1, 1.0, 20.0, 1000.1, 1e-3, -3.0, 12345.678}) {
      for (const Predicate p :
           {Predicate{kGreater, b, 0, false}, Predicate{kGreaterEqual, b, 0, false}, Predicate{kLess, 0, b, false},
            Predicate{kLessEqual, 0, b, false}, Predicate{kOpenInterval, b, b + 1000, false},
            Predicate{kClosedInterval, b - 1 - std::fabs(b) / 2, b, false}}) {
        const auto s = codec::surrogates(p, d);
        ASSERT_TRUE(s.has_value()) << b;
        EXPECT_TRUE(codec::holds(p, codec::value_of(s->on, d), true));
        EXPECT_TRUE(codec::holds(p, codec::value_of(s->on, d), false));
        EXPECT_FALSE(codec::holds(p, codec::value_of(s->off, d), true));
        EXPECT_FALSE(codec::holds(p, codec::value_of(s->off, d), false));
      }
    }
  }
}

TEST(Mask, DeclinesWhatHasNoSurrogates) {
  for (const DType d : kFloats) {
    EXPECT_TRUE(masked({1, 2, 3}, {kOpenInterval, 2, 2, false}, d).empty()) << "nothing is inside";
    EXPECT_TRUE(masked({1, 2, 3}, {kClosedInterval, 3, 2, false}, d).empty());
    EXPECT_TRUE(masked({1, 2, 3}, {kAbsGreater, -1, 0, false}, d).empty()) << "nothing is outside";
    EXPECT_TRUE(masked({1, 2, 3}, {kGreater, -kInf, 0, false}, d).empty());
  }
  EXPECT_TRUE(masked({1, 2, 3}, {kGreater, 1e6, 0, false}, DType::kFloat16).empty()) << "beyond float16";
}

TEST(Mask, RefusesAMissingOrImpossiblePredicate) {
  const auto codec = make_codec({"mask", {}});
  const Buffer data = floats({1, 2, 3}, DType::kFloat32);
  Buffer room(1000);
  const Extent in{data.data(), 3, DType::kFloat32};
  EXPECT_THROW(codec->encode(in, {}, room.span(), {}), CodecError);
  EXPECT_THROW(codec->encode(in, {{kGreater, kNan, 0, false}, {}}, room.span(), {}), CodecError);
  EXPECT_THROW(codec->encode({data.data(), 3, DType::kInt32}, {{kGreater, 0, 0, false}, {}}, room.span(), {}),
               CodecError);
}

TEST(Mask, TwoValuesKeepTheirBitsWhateverTheyAre) {
  const auto codec = make_codec({"mask", {}});
  const SideInfo side{{kTwoValued, 0, 0, false}, {}};
  for (const DType d : kFloats) {
    for (const auto& [a, b] :
         std::vector<std::pair<double, double>>{{0.0, -0.0}, {kNan, 1}, {kInf, -kInf}, {kNan, -kNan}, {1.4296875, 0}}) {
      for (const int64_t n : {1, 2, 64, 65, 200}) {
        std::vector<double> values(static_cast<size_t>(n), a);
        for (size_t i = 1; i < values.size(); i += 3) values[i] = b;
        const Buffer data = floats(values, d);
        const auto payload = encode(*codec, {data.data(), n, d}, side);
        ASSERT_TRUE(payload.has_value());
        EXPECT_TRUE(decode(*codec, *payload, n, d) == data);
      }
    }
  }
}

TEST(Mask, DeclinesAThirdValueWhereverItIs) {
  const auto codec = make_codec({"mask", {}});
  for (const DType d : kFloats) {
    for (const size_t place : {2u, 63u, 64u, 130u, 199u}) {
      std::vector<double> values(200, 0.0);
      values[1] = 2.0;
      values[place] = -0.0;  // equal to 0 as a number, not as bits
      const Buffer data = floats(values, d);
      on_every_instruction_set([&](const std::string&) {
        EXPECT_FALSE(encode(*codec, {data.data(), 200, d}, {{kTwoValued, 0, 0, false}, {}}).has_value());
      });
    }
  }
}

}  // namespace
}  // namespace cinch::testing
