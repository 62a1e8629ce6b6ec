// What warps make of values that are cast, walked through on the CPU: byte for byte what the CPU codec makes.
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "src/codec/fixed_rate/warp_cast.h"
#include "src/codec/stage/header.h"
#include "tests/contract/support.h"
#include "tests/warp/walk.h"

namespace cinch::testing {
namespace {

using namespace cinch::codec;

struct Case {
  const char* name;
  Narrow to;
  DType dtype;
};

const std::vector<int64_t> kLengths{1, 3, 7, 8, 15, 16, 31, 33, 1000, 1023, 1024, 1025, 4096, 70'001};

// Random bits are mostly huge or tiny: half of the values have exponents around those of the narrow types. The first
// ones are all that is special, and their neighbours.
Buffer hard_values(int64_t n, DType dtype) {
  std::mt19937 random(static_cast<uint32_t>(n));
  std::vector<uint32_t> special;
  for (const float x : {0.0f,     0x1p-149f, 0x1p-126f, 0x1p-133f, 0x1p-134f,   0x1p-24f,    0x1p-25f, 0x1p-14f,
                        0x1p-16f, 0x1p-17f,  0x1p-6f,   0x1p-9f,   0x1p-10f,    448.0f,      464.0f,   480.0f,
                        57344.0f, 61440.0f,  65504.0f,  65520.0f,  0x1.fep127f, 0x1.ffp127f, INFINITY, NAN})
    for (const uint32_t step : {0u, 1u, ~0u})
      for (const uint32_t sign : {0u, 0x80000000u}) special.push_back((std::bit_cast<uint32_t>(x) + step) ^ sign);
  Buffer out(n * dtype_bytes(dtype));
  for (int64_t i = 0; i < n; ++i) {
    const auto k = static_cast<size_t>(i);
    uint32_t bits = static_cast<uint32_t>(random());
    if (i % 2 == 0) bits = (bits & 0x807fffffu) | (95 + random() % 50) << 23;
    if (k < special.size()) bits = special[k];
    if (dtype == DType::kFloat32) {
      std::memcpy(out.data() + i * 4, &bits, 4);
    } else {  // every pattern there is, in the longest case
      const auto half = static_cast<uint16_t>(n > 65536 ? static_cast<uint32_t>(i) : bits >> 16);
      std::memcpy(out.data() + i * 2, &half, 2);
    }
  }
  return out;
}

class CastWalk : public ::testing::TestWithParam<Case> {
 protected:
  const Case case_ = GetParam();
  const std::shared_ptr<const Codec> codec_ = make_codec({"cast", {{"dtype", std::string(case_.name)}}});
};

template <class From, class To>
void walk_cast(const void* in, int64_t n, void* out) {
  const CastJob<From, To> job{static_cast<const typename From::Stored*>(in), n, static_cast<typename To::Stored*>(out)};
  walk(cast_tiles(n), 2, 0, [&](const HostWarp& warp, int64_t tile) { cast_tile(warp, job, tile); });
}

TEST_P(CastWalk, EncodesToTheBytesOfTheCpu) {
  for (const int64_t n : kLengths)
    for (const int64_t shift : {0, 1, 3}) {
      const Buffer values = hard_values(n, case_.dtype);
      const Buffer data(values.data(), values.size(), shift * dtype_bytes(case_.dtype));
      const auto expected = encode(*codec_, {data.data(), n, case_.dtype}, {});
      ASSERT_TRUE(expected.has_value());
      Buffer out(expected->data(), expected->size());
      std::memset(out.data() + kHeaderBytes, 0x5a, static_cast<size_t>(out.size() - kHeaderBytes));
      with_cast_types(case_.dtype, case_.to, [&](auto value, auto narrow) {
        walk_cast<decltype(value), decltype(narrow)>(data.data(), n, out.data() + kHeaderBytes);
      });
      EXPECT_TRUE(out.intact());
      EXPECT_TRUE(out == *expected) << n << " values, shifted by " << shift;
    }
}

// Every code there is, those that encode never writes included.
TEST_P(CastWalk, DecodesToTheValuesOfTheCpu) {
  for (const int64_t n : kLengths) {
    const Buffer values = hard_values(n, case_.dtype);
    const auto payload = encode(*codec_, {values.data(), n, case_.dtype}, {});
    ASSERT_TRUE(payload.has_value());
    for (int64_t i = 0; i < n; ++i) {
      const auto code = static_cast<uint16_t>(i);
      std::memcpy(payload->data() + kHeaderBytes + i * narrow_bytes(case_.to), &code,
                  static_cast<size_t>(narrow_bytes(case_.to)));
    }
    const Buffer expected = decode(*codec_, *payload, n, case_.dtype);
    Buffer out(values.size());
    with_cast_types(case_.dtype, case_.to, [&](auto value, auto narrow) {
      walk_cast<decltype(narrow), decltype(value)>(payload->data() + kHeaderBytes, n, out.data());
    });
    EXPECT_TRUE(out.intact());
    EXPECT_TRUE(out == expected) << n << " values";
  }
}

std::vector<Case> all_cases() {
  std::vector<Case> cases;
  for (const DType dtype : {DType::kFloat32, DType::kBFloat16, DType::kFloat16}) {
    if (dtype == DType::kFloat32) {
      cases.push_back({"bf16", Narrow::kBFloat16, dtype});
      cases.push_back({"fp16", Narrow::kFloat16, dtype});
    }
    cases.push_back({"fp8_e4m3", Narrow::kE4M3, dtype});
    cases.push_back({"fp8_e5m2", Narrow::kE5M2, dtype});
  }
  return cases;
}

INSTANTIATE_TEST_SUITE_P(Cases, CastWalk, ::testing::ValuesIn(all_cases()), [](const auto& info) {
  return std::string(info.param.name) + "_of_" + std::string(to_string(info.param.dtype));
});

}  // namespace
}  // namespace cinch::testing
