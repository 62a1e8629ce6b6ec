#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "cinch/error.h"
#include "src/backend/cuda/runtime.h"
#include "src/core/float16.h"
#include "tests/codec/values.h"

namespace cinch::testing {
namespace {

std::shared_ptr<const Codec> cast(const char* to) { return make_codec({"cast", {{"dtype", std::string(to)}}}); }

struct Type {
  const char* name;
  int exponent, mantissa;
  bool infinity;
  double value(uint32_t code) const {  // of a code without its sign
    const int bias = (1 << (exponent - 1)) - 1;
    const auto field = static_cast<int>(code >> mantissa), rest = static_cast<int>(code & ((1u << mantissa) - 1));
    if (infinity && field == (1 << exponent) - 1) return rest != 0 ? NAN : INFINITY;
    if (!infinity && code == (1u << (exponent + mantissa)) - 1) return NAN;
    if (field == 0) return std::ldexp(rest, 1 - bias - mantissa);
    return std::ldexp(rest + (1 << mantissa), field - bias - mantissa);
  }
  uint32_t count() const { return 1u << (exponent + mantissa); }
};
constexpr Type kTypes[] = {
    {"bf16", 8, 7, true}, {"fp16", 5, 10, true}, {"fp8_e4m3", 4, 3, false}, {"fp8_e5m2", 5, 2, true}};

TEST(Cast, KeepsEveryValueOfTheNarrowTypeExactly) {
  for (const DType dtype : kFloats) {
    for (const Type& type : kTypes) {
      if (!cast(type.name)->supports(dtype, DeviceKind::kCpu)) continue;
      std::vector<double> values;
      for (uint32_t code = 0; code < type.count(); ++code)
        for (const double sign : {1.0, -1.0}) values.push_back(sign * type.value(code));
      on_every_instruction_set([&](const std::string&) {
        const std::vector<double> out = coded(values, *cast(type.name), dtype);
        ASSERT_EQ(out.size(), values.size());
        for (size_t e = 0; e < values.size(); ++e) {
          ASSERT_EQ(std::isnan(out[e]), std::isnan(values[e])) << type.name << " " << e;
          if (std::isnan(out[e])) continue;
          ASSERT_EQ(out[e], values[e]) << type.name;
          ASSERT_EQ(std::signbit(out[e]), std::signbit(values[e])) << type.name;
        }
      });
    }
  }
}

// The nearest of all values of the type, looked up in their sorted list; even codes where two are as near.
TEST(Cast, RoundsToTheNearestAndTiesToEven) {
  for (const Type& type : kTypes) {
    std::vector<double> list;
    for (uint32_t code = 0; std::isfinite(type.value(code)); ++code) list.push_back(type.value(code));
    std::vector<double> values;
    for (size_t k = 0; k + 1 < list.size(); ++k) {
      const double middle = (list[k] + list[k + 1]) / 2;
      const auto tie = static_cast<float>(middle);
      for (const float x : {tie, std::nextafter(tie, 0.0f), std::nextafter(tie, INFINITY)}) values.push_back(x);
    }
    for (const double x : normal_values(5000, 3, 0, 4)) values.push_back(static_cast<float>(x));
    on_every_instruction_set([&](const std::string&) {
      const std::vector<double> out = coded(values, *cast(type.name), DType::kFloat32);
      ASSERT_EQ(out.size(), values.size());
      for (size_t e = 0; e < values.size(); ++e) {
        const double x = std::fabs(values[e]);
        const auto above = static_cast<size_t>(std::lower_bound(list.begin(), list.end(), x) - list.begin());
        double nearest = above < list.size() ? list[above] : list.back();
        if (above > 0 && above < list.size()) {
          const double up = list[above] - x, down = x - list[above - 1];
          if (down < up || (down == up && above % 2 == 1)) nearest = list[above - 1];
        }
        ASSERT_EQ(std::fabs(out[e]), nearest) << type.name << " " << values[e];
      }
    });
  }
}

TEST(Cast, StopsAtTheLargestFiniteValue) {
  for (const Type& type : kTypes) {
    double largest = 0;
    for (uint32_t code = 0; std::isfinite(type.value(code)); ++code) largest = type.value(code);
    for (const double x : {largest, largest * 1.003, largest * 1.2, 3.4028234e38})
      for (const double sign : {1.0, -1.0}) {
        if (x > 3.4028235e38) continue;
        EXPECT_EQ(coded({sign * x}, *cast(type.name), DType::kFloat32), std::vector<double>{sign * largest})
            << type.name;
      }
  }
}

TEST(Cast, KeepsInfinitiesWhereTheTypeHasThemAndNanAlways) {
  for (const DType dtype : kFloats) {
    for (const Type& type : kTypes) {
      if (!cast(type.name)->supports(dtype, DeviceKind::kCpu)) continue;
      on_every_instruction_set([&](const std::string&) {
        const std::vector<double> out = coded({INFINITY, -INFINITY, NAN, 1.0}, *cast(type.name), dtype);
        ASSERT_EQ(out.size(), 4u);
        if (type.infinity) {
          EXPECT_EQ(out[0], INFINITY);
          EXPECT_EQ(out[1], -INFINITY);
        } else {
          EXPECT_TRUE(std::isnan(out[0]) && std::isnan(out[1]));
        }
        EXPECT_TRUE(std::isnan(out[2]));
        EXPECT_EQ(out[3], 1.0);
      });
    }
  }
}

TEST(Cast, EveryNanStaysOne) {  // quiet, signalling, with the mantissa that a carry would take to zero
  for (const uint32_t bits : {0x7fc00000u, 0x7f800001u, 0x7fffffffu, 0xffffffffu, 0xff800001u}) {
    const float nan = std::bit_cast<float>(bits);
    const Buffer data(&nan, 4);
    for (const Type& type : kTypes) {
      const auto payload = encode(*cast(type.name), extent_of(data, DType::kFloat32), {});
      EXPECT_TRUE(
          std::isnan(float_at(decode(*cast(type.name), *payload, 1, DType::kFloat32).data(), 0, DType::kFloat32)));
    }
  }
}

TEST(Cast, SupportsOnlyNarrowerTypes) {
  const auto supported = [](const char* to, DType dtype) { return cast(to)->supports(dtype, DeviceKind::kCpu); };
  for (const Type& type : kTypes) {
    EXPECT_TRUE(supported(type.name, DType::kFloat32));
    EXPECT_EQ(cast(type.name)->supports(DType::kFloat32, DeviceKind::kCuda), backend::cuda_built());
    EXPECT_EQ(cast(type.name)->supports(DType::kFloat16, DeviceKind::kCuda),
              backend::cuda_built() && type.count() <= 128);
    EXPECT_EQ(supported(type.name, DType::kBFloat16), type.count() <= 128);
    EXPECT_EQ(supported(type.name, DType::kFloat16), type.count() <= 128);
    EXPECT_FALSE(supported(type.name, DType::kInt32));
  }
  const Buffer data(20);
  Buffer room(256);
  try {
    cast("fp16")->encode({data.data(), 10, DType::kBFloat16}, {}, room.span(), {});
    FAIL();
  } catch (const CodecError& e) {
    EXPECT_STREQ(e.what(), "cast(dtype=fp16): bfloat16 is not supported on the CPU");
  }
}

TEST(Cast, AnotherTypesPayloadIsRefused) {
  const Buffer data = floats(normal_values(100, 1, 0, 2), DType::kFloat32);
  for (const Type& a : kTypes) {
    const auto payload = encode(*cast(a.name), extent_of(data, DType::kFloat32), {});
    for (const Type& b : kTypes) {
      if (std::string(a.name) != b.name) {
        EXPECT_THROW(decode(*cast(b.name), *payload, 100, DType::kFloat32), CodecError);
      }
    }
  }
}

}  // namespace
}  // namespace cinch::testing
