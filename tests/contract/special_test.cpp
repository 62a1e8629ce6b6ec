// Values that no codec is made for: declined, or kept as promised, and the same bytes on every instruction set.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>

#include "tests/contract/promise.h"
#include "tests/contract/rows.h"

namespace cinch::testing {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kLargest = 0x1.fffffep127;  // infinity in narrower types

struct Kind {
  const char* name;
  std::array<double, 5> values;  // in turn
};
constexpr Kind kKinds[] = {
    {"zeros", {0, 0, 0, 0, 0}},
    {"zeros of both signs", {0.0, -0.0, 0.0, -0.0, -0.0}},
    {"ones", {1, 1, 1, 1, 1}},
    {"a constant that bfloat16 lacks", {0.1, 0.1, 0.1, 0.1, 0.1}},
    {"denormals of float32", {0x1p-127, -0x1p-149, 0x1p-140, 0, 0x1p-126}},
    {"one denormal", {0x1p-149, 0x1p-149, 0x1p-149, 0x1p-149, 0x1p-149}},
    {"denormals of float16", {0x1p-24, -0x1p-20, 0x1p-15, 0, 0x1p-14}},
    {"NaN alone", {NAN, NAN, NAN, NAN, NAN}},
    {"infinity alone", {kInfinity, kInfinity, kInfinity, kInfinity, kInfinity}},
    {"NaN among values", {1, NAN, -2, 3, 0}},
    {"infinities among values", {1, kInfinity, -kInfinity, 0, 2}},
    {"the largest numbers", {kLargest, -kLargest, kLargest, 1, -kLargest}},
    {"the largest number alone", {kLargest, kLargest, kLargest, kLargest, kLargest}},
    {"one of the largest", {0, 1, 0.001, 2, kLargest}},
    {"the largest of float16", {65504, -65504, 1, 65472, 0}},
    {"far from zero", {1e6, 1e6 + 1, 1e6 - 1, 1e6 + 3, 1e6}},
    {"many scales", {1e-30, 1e-10, 1, 1e10, 1e30}},
};

class Special : public ::testing::TestWithParam<ContractRow> {
 protected:
  static Buffer data(const Kind& kind, int64_t n) {
    std::vector<double> values;
    for (int64_t i = 0; i < n; ++i) values.push_back(kind.values[static_cast<size_t>(i) % kind.values.size()]);
    const DType dtype = GetParam().dtype;
    if (is_codable_float(dtype) || dtype == DType::kFloat64) return floats(values, dtype);
    std::vector<int64_t> integers_of;
    for (const double v : values)
      integers_of.push_back(std::isfinite(v) && std::fabs(v) < 0x1p62 ? static_cast<int64_t>(v)
                                                                      : std::numeric_limits<int64_t>::min());
    return integers(integers_of, dtype);
  }
};

TEST_P(Special, ValuesAreDeclinedOrKeptAsPromised) {
  const ContractRow& row = GetParam();
  const auto codec = make_codec(row.spec);
  for (const Kind& kind : kKinds) {
    for (const int64_t n : {1, 5, 16, 64, 257, 770}) {
      SCOPED_TRACE(std::string(kind.name) + ", " + std::to_string(n) + " values");
      const Buffer values = data(kind, n);
      const Extent in{values.data(), n, row.dtype};
      const SideInfo side = row.side(n);
      std::optional<Buffer> payload, decoded;
      bool first = true;
      on_every_instruction_set([&](const std::string&) {
        const auto here = encode(*codec, in, side);
        if (first) payload = here;
        ASSERT_EQ(here.has_value(), payload.has_value());
        if (!here) {
          first = false;
          return;
        }
        EXPECT_TRUE(*here == *payload);
        const Buffer out = decode(*codec, *here, n, row.dtype);
        if (first) decoded = out;
        EXPECT_TRUE(out == *decoded);
        EXPECT_NO_THROW(check_promise(*codec, in, side, here->span(), out.data()));
        first = false;
      });
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Codecs, Special, ::testing::ValuesIn(contract_rows()), row_name);

}  // namespace
}  // namespace cinch::testing
