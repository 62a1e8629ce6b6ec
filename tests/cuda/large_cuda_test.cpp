// Extents beyond 2^31 elements on the GPU: no index of a kernel may be narrower than 64 bits. Skipped without a GPU.
#include <gtest/gtest.h>

#include "src/backend/cuda/device_buffer.h"
#include "src/backend/cuda/runtime.h"
#include "tests/codec/large_data.h"

namespace cinch::testing {
namespace {

using backend::DeviceBuffer;

class LargeCuda : public ::testing::TestWithParam<LargeRow> {};

TEST_P(LargeCuda, ValuesBeyondTwoToThe31ComeBack) {
  if (backend::cuda_device_count() == 0) GTEST_SKIP() << backend::cuda_problem();
  const LargeRow& row = GetParam();
  const auto codec = make_codec(row.spec);
  const int64_t element = dtype_bytes(row.dtype), bytes = kNumel * element;
  const auto period = period_of(row, element);
  const Bytes data = allocate(bytes);
  repeat(period, data.get(), bytes);
  CodecContext context;
  context.device = DeviceKind::kCuda;
  const DeviceBuffer in(data.get(), bytes), out(bytes);
  const DeviceBuffer payload(codec->payload_bound(kNumel, row.dtype, row.side));
  const std::span<std::byte> room{payload.data(), static_cast<size_t>(payload.size())};
  ASSERT_EQ(codec->encode({in.data(), kNumel, row.dtype}, row.side, room, context), payload.size());
  codec->decode(room, out.data(), kNumel, row.dtype, context);
  std::memset(data.get(), 0x55, static_cast<size_t>(bytes));
  out.copy_to(data.get());
  EXPECT_EQ(first_difference(data.get(), period), -1);
}

std::vector<LargeRow> rows() {
  std::vector<LargeRow> rows = large_rows();
  std::erase_if(rows, [](const LargeRow& row) { return row.spec.name == "int"; });  // has no geometry
  // Blocks of one value are their own average. kNumel is 3 times a prime.
  SideInfo outer, width;
  outer.grid = Grid{3, {1, 1, 1}, kNumel / 3, 1};
  width.grid = Grid{1, {1, 1, 3}, kNumel / 3, 1};
  rows.push_back({{"cast", {{"dtype", std::string("fp8_e5m2")}}}, DType::kBFloat16, 0xBF80, 0x3F80, {}});
  rows.push_back({{"pool", {{"block", 2}}}, DType::kBFloat16, 0xBF80, 0x3F80, outer});
  rows.push_back({{"lfc", {{"block", 1}, {"bits", 1}}}, DType::kBFloat16, 0xBF80, 0x3F80, width});
  return rows;
}

INSTANTIATE_TEST_SUITE_P(Codecs, LargeCuda, ::testing::ValuesIn(rows()),
                         [](const auto& info) { return info.param.spec.name; });

}  // namespace
}  // namespace cinch::testing
