// What is special to error_bound: no value is further off than the bound, whatever the data; bytes near the
// entropy.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <random>

#include "cinch/error.h"
#include "src/backend/cpu/isa.h"
#include "tests/codec/entropy_coded/error_bound_support.h"

namespace cinch::testing {
namespace {

TEST(ErrorBound, IsKeptByEveryValueOfEveryKindOfData) {
  std::map<std::string, std::vector<double>> data;
  data["normal"] = normal(40'000, 0.3);
  data["relu"] = normal(40'000, 0.1);
  for (double& v : data["relu"]) v = std::max(v, 0.0);
  std::mt19937 random(5);
  std::cauchy_distribution<double> cauchy(0, 1);
  for (int i = 0; i < 40'000; ++i) data["heavy tails"].push_back(std::clamp(cauchy(random), -6e4, 6e4));
  data["smooth"] = smooth(50, 28, 0.01);
  data["far from zero"] = normal(40'000, -1000);
  data["tiny"] = normal(40'000, 0, 1e-3);
  data["few levels"] = normal(40'000);
  for (double& v : data["few levels"]) v = std::round(v * 4) / 4;
  int coded = 0;
  for (const auto& [name, values] : data) {
    SCOPED_TRACE(name);
    const SideInfo side = name == "smooth" ? maps_of(50, 28) : SideInfo{};
    for (const DType dtype : kDTypes)
      for (const std::string predict : {"none", "lorenzo", "auto"}) {
        for (const double bound : {1e-4, 1e-3, 0.03, 0.25, 0.3, 2.0})
          coded += bytes_of(error_bound(bound, false, predict), values, dtype, side).has_value();
        for (const double bound : {1e-5, 1e-3, 0.01, 0.2})
          coded += bytes_of(error_bound(bound, true, predict), values, dtype, side).has_value();
      }
  }
  EXPECT_GT(coded, 400) << "few are declined";
}

TEST(ErrorBound, WhatNoLevelHoldsIsExact) {
  for (const DType dtype : kDTypes) {
    auto values = normal(100'000);
    const std::vector<double> special{kInfinity, -kInfinity, std::nan(""), 6e4,  -6e4, 3e38, -3e38,
                                      1e30,      1e-42,      -1e-42,       1e-5, 0.0,  -0.0, 0.5};
    for (size_t i = 0; i < special.size(); ++i) {
      values[3 + 7 * i] = values[700 + i] = values[2000 + 16 * i] = special[i];
      values[values.size() - 1 - i] = special[i];
    }
    for (const std::string predict : {"none", "lorenzo"})
      for (const double bound : {0.01, 0.3}) {
        const auto bytes = bytes_of(error_bound(bound, false, predict), values, dtype);
        ASSERT_TRUE(bytes.has_value());
        // The entropy is 7.7 and 2.8 bits a value. Where values round to 16 bits the step may be half, for the
        // outliers.
        const double entropy = (bound < 0.1 ? 7.7 : 2.8) + (dtype == DType::kFloat32 ? 0 : 1);
        if (predict == "none") {
          EXPECT_LT(static_cast<double>(*bytes) * 8, 1e5 * (entropy + (bound < 0.1 ? 3.5 : 0.2)));
        }
      }
  }
}

// Levels as the decoded values show them, in order: on data this dense none is left out.
TEST(ErrorBound, BytesAreWithinThreePercentOfTheEntropy) {
  const int64_t maps = 512, side = 28, n = maps * side * side;
  for (const bool predicted : {false, true})
    for (const bool relu : {false, true})
      for (const double bound : {0.15, 0.3, 0.5}) {
        auto values = predicted ? smooth(maps, side, 0.3) : normal(n, 0.3);
        if (relu)
          for (double& v : values) v = std::max(v, 0.0);
        const Buffer in = floats(values, DType::kFloat32);
        const auto codec = make_codec(error_bound(bound, false, predicted ? "lorenzo" : "none"));
        const auto payload = encode(*codec, {in.data(), n, DType::kFloat32}, maps_of(maps, side));
        ASSERT_TRUE(payload.has_value());
        const Buffer out = decode(*codec, *payload, n, DType::kFloat32);
        std::map<double, int> levels;
        for (int64_t i = 0; i < n; ++i) levels[float_at(out.data(), i, DType::kFloat32)] = 0;
        int next = 0;
        for (auto& [value, level] : levels) level = next++;
        const auto level = [&](int64_t i) { return levels[float_at(out.data(), i, DType::kFloat32)]; };
        std::map<int, int64_t> counts;
        for (int64_t i = 0; i < n; ++i) {
          const int64_t w = i % side, h = i / side % side;
          int symbol = level(i);
          if (predicted)
            symbol +=
                (w > 0 && h > 0 ? level(i - side - 1) : 0) - (w > 0 ? level(i - 1) : 0) - (h > 0 ? level(i - side) : 0);
          ++counts[symbol];
        }
        double bits = 0;
        for (const auto& [symbol, count] : counts)
          bits -= static_cast<double>(count) * std::log2(static_cast<double>(count) / static_cast<double>(n));
        EXPECT_LT(static_cast<double>(payload->size()) * 8, bits * 1.03)
            << "bound " << bound << (relu ? ", relu" : "") << (predicted ? ", predicted" : "");
        EXPECT_GT(static_cast<double>(payload->size()) * 8, bits * 0.97) << "the entropy is that of what was coded";
      }
}

TEST(ErrorBound, ConstantsTakeNextToNothing) {
  for (const double value : {0.0, 1.0, -3.3, 1e-20, 1e30})
    for (const bool relative : {false, true}) {
      if (!relative && value == 1e-20) continue;
      for (const int64_t n : {100, 256, 50'000}) {
        const auto bytes =
            bytes_of(error_bound(0.01, relative), std::vector<double>(static_cast<size_t>(n), value), DType::kFloat32);
        ASSERT_TRUE(bytes.has_value()) << value;
        EXPECT_LT(*bytes, 2000 + n / 8) << value;
      }
    }
}

TEST(ErrorBound, NothingFiniteAndBoundsTooFineAreDeclined) {
  for (const double value : {kInfinity, std::nan("")})
    EXPECT_FALSE(bytes_of(error_bound(0.1), std::vector<double>(500, value), DType::kFloat32));
  for (const DType dtype : kDTypes) EXPECT_FALSE(bytes_of(error_bound(1e-9), normal(50'000), dtype));
  EXPECT_FALSE(bytes_of(error_bound(1e-4), normal(50'000), DType::kBFloat16));
}

// What the sample does not show costs bytes and no more: nothing is written beyond the room.
TEST(ErrorBound, ASampleThatMisleadsCostsBytesAndNoMore) {
  std::vector<double> values = normal(1'000'000, 0, 1e-3);
  std::mt19937 random(3);
  for (size_t i = 0; i < values.size(); ++i)
    if (i / 256 % 4 == 2) values[i] = std::normal_distribution<double>(0, 1e6)(random);
  const Buffer in = floats(values, DType::kFloat32);
  const Extent extent{in.data(), static_cast<int64_t>(values.size()), DType::kFloat32};
  const auto codec = make_codec(error_bound(1e-3));
  Buffer room(in.size() + in.size() / 50);
  const auto bytes = codec->encode(extent, {}, room.span(), {});
  ASSERT_TRUE(bytes.has_value());
  const Buffer out = decode(*codec, Buffer(room.data(), *bytes), extent.numel, DType::kFloat32);
  for (int64_t i = 0; i < extent.numel; ++i)
    ASSERT_LE(std::fabs(float_at(out.data(), i, DType::kFloat32) - float_at(in.data(), i, DType::kFloat32)), 1e-3) << i;
  Buffer small(in.size() / 16);
  EXPECT_FALSE(codec->encode(extent, {}, small.span(), {}));
  EXPECT_TRUE(small.intact());
}

// Places of missed values are believed no more than anything else: far behind the output nothing is written.
TEST(ErrorBound, DamagedPlacesAreRefused) {
  const int64_t n = 600;
  auto values = normal(n);
  for (size_t i = 0; i < values.size(); i += 4) values[i] = std::nan("");
  const Buffer in = floats(values, DType::kFloat32);
  const auto codec = make_codec(error_bound(0.3));
  const auto payload = encode(*codec, {in.data(), n, DType::kFloat32}, {});
  ASSERT_TRUE(payload.has_value());
  Buffer out(1 << 18);
  std::mt19937 random(4);
  int refused = 0;
  for (int round = 0; round < 1000; ++round) {
    Buffer damaged(*payload);
    const auto bit = 512 + random() % (static_cast<uint32_t>(payload->size()) * 8 - 512);
    damaged.data()[bit / 8] ^= static_cast<std::byte>(1 << bit % 8);
    try {
      codec->decode(damaged.span(), out.data(), n, DType::kFloat32, {});
    } catch (const CodecError&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, 50);
  const std::byte* behind = out.data() + n * 4;
  EXPECT_EQ(std::count(behind, behind + (1 << 18) - n * 4, std::byte{0}), (1 << 18) - n * 4);
}

TEST(ErrorBound, RefusesBadParametersByName) {
  const auto refusal = [](const CodecSpec& spec) {
    try {
      make_codec(spec);
    } catch (const CodecError& e) {
      return std::string(e.what());
    }
    return std::string();
  };
  for (const double bound : {0.0, -1.0, kInfinity, std::nan("")}) {
    const std::string text = refusal(error_bound(bound));
    EXPECT_NE(text.find("error_bound: parameter \"bound\" is "), std::string::npos) << text;
    EXPECT_NE(text.find(", allowed: 1e-30 to 1e+30"), std::string::npos) << text;
  }
  EXPECT_EQ(refusal(error_bound(0.1, true, "spline")),
            "error_bound: parameter \"predict\" is spline, allowed: auto, none, lorenzo");
  EXPECT_EQ(refusal({"error_bound", {{"relative", int64_t{1}}}}),
            "error_bound: parameter \"relative\" must be true or false, allowed: true, false");
  EXPECT_NO_THROW(make_codec({"error_bound", {{"bound", int64_t{1}}}}));
  EXPECT_TRUE(make_codec({"error_bound", {}})->keeps_zeros(DType::kFloat16));
}

TEST(ErrorBound, RefusesGridsThatAreNotThoseOfTheValues) {
  const Buffer in = floats(normal(1000), DType::kFloat32);
  EXPECT_THROW(encode(*make_codec(error_bound(0.1)), {in.data(), 1000, DType::kFloat32}, maps_of(3, 5)), CodecError);
}

}  // namespace
}  // namespace cinch::testing
