// Extents beyond 2^31 elements: no index of a codec may be narrower than 64 bits.
#include <gtest/gtest.h>

#include "tests/codec/large_data.h"

namespace cinch::testing {
namespace {

class Large : public ::testing::TestWithParam<LargeRow> {};

TEST_P(Large, ValuesBeyondTwoToThe31ComeBack) {
  const LargeRow& row = GetParam();
  const auto codec = make_codec(row.spec);
  const auto element = static_cast<int64_t>(dtype_bytes(row.dtype));
  const int64_t bytes = kNumel * element;
  const int64_t needed = 2 * bytes * kShadow;
  if (available_bytes() < needed) GTEST_SKIP() << "needs " << (needed >> 30) << " GiB of free memory";
  const auto period = period_of(row, element);
  const Bytes data = allocate(bytes);
  repeat(period, data.get(), bytes);
  const CodecContext context;
  const Extent extent{data.get(), kNumel, row.dtype};
  const auto measured = codec->measure(extent, row.side, context);
  ASSERT_TRUE(measured.has_value());
  const Bytes payload = allocate(*measured);
  const auto written = codec->encode(extent, row.side, {payload.get(), static_cast<size_t>(*measured)}, context);
  ASSERT_TRUE(written.has_value());
  EXPECT_LT(*written, bytes);
  std::memset(data.get(), 0x55, static_cast<size_t>(bytes));
  codec->decode({payload.get(), static_cast<size_t>(*written)}, data.get(), kNumel, row.dtype, context);
  EXPECT_EQ(first_difference(data.get(), period), -1);
}

INSTANTIATE_TEST_SUITE_P(Codecs, Large, ::testing::ValuesIn(large_rows()),
                         [](const auto& info) { return info.param.spec.name; });

// Half of the groups have 2 bits, the others 1; of both widths the two values are levels.
INSTANTIATE_TEST_SUITE_P(AverageBits, Large,
                         ::testing::Values(LargeRow{
                             {"group_quant", {{"average_bits", 1.5}}}, DType::kBFloat16, 0xBF80, 0x3F00, {}}));

}  // namespace
}  // namespace cinch::testing
