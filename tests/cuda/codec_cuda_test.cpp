// Every row of the contract on the GPU: the bytes and the values of the CPU. Skipped, and counted, without a GPU.
#include <gtest/gtest.h>

#include <cmath>

#include "cinch/error.h"
#include "tests/cuda/codec_cuda.h"

namespace cinch::testing {
namespace {

TEST_P(CodecCuda, HasTheBytesAndTheValuesOfTheCpu) {
  const int64_t width = dtype_bytes(row_.dtype);
  // The last one has factors for grids.
  for (const int64_t n : {1, 7, 64, 255, 256, 257, 512, 1000, 4099, 300'007, 5'000'011, 30 * 56'448}) {
    const Buffer values = row_.data(n, static_cast<uint32_t>(n));
    const SideInfo side = row_.side(n);
    if (n == 5'000'011 && side.grid) continue;
    const auto expected = encode(*codec_, {values.data(), n, row_.dtype}, side, kOnCpu);
    if (!expected) continue;
    const Buffer decoded = decode(*codec_, *expected, n, row_.dtype, kOnCpu);
    for (const int64_t shift : {0, 1, 3}) {
      const Buffer shifted((n + shift) * width);
      std::memcpy(shifted.data() + shift * width, values.data(), static_cast<size_t>(n * width));
      const DeviceBuffer in(shifted.data(), shifted.size());
      DeviceBuffer payload(codec_->payload_bound(n, row_.dtype, side)), out(n * width);
      // Ranges of integers are not looked for on the device.
      if (row_.spec.name == "int" && !codec_->measure({in.data(), n, row_.dtype}, side, on_gpu())) {
        EXPECT_LT(n, 64);
        continue;
      }
      const auto bytes = codec_->encode({in.data() + shift * width, n, row_.dtype}, side,
                                        {payload.data(), static_cast<size_t>(payload.size())}, on_gpu());
      ASSERT_EQ(bytes, expected->size());
      ASSERT_TRUE(fetched(payload, *bytes) == *expected) << n << " values, shifted by " << shift;
      codec_->decode({payload.data(), static_cast<size_t>(*bytes)}, out.data(), n, row_.dtype, on_gpu());
      ASSERT_TRUE(fetched(out, out.size()) == decoded) << n << " values";
    }
  }
}

using GroupQuantCuda = CodecCuda;

TEST_P(GroupQuantCuda, RecodesToTheBytesOfTheCpu) {
  if (row_.spec.get_double("average_bits", 0) != 0) return;  // is not coded further
  const int64_t bits = row_.spec.get_int("bits", 0);
  if (bits == 1) return;  // there is nothing below
  CodecSpec spec = row_.spec;
  spec.params["bits"] = bits / 2;
  const auto coarser = make_codec(spec);
  for (const int64_t n : {1, 300, 4096, 1'000'003}) {
    const Buffer values = row_.data(n, 3);
    const auto fine = encode(*codec_, {values.data(), n, row_.dtype}, {}, kOnCpu);
    Buffer expected(coarser->payload_bound(n, row_.dtype, {}));
    ASSERT_TRUE(codec_->recode(fine->span(), n, row_.dtype, *coarser, expected.span(), kOnCpu).has_value());
    const DeviceBuffer in(fine->data(), fine->size()), out(expected.size());
    ASSERT_TRUE(codec_->recode({in.data(), static_cast<size_t>(in.size())}, n, row_.dtype, *coarser,
                               {out.data(), static_cast<size_t>(out.size())}, on_gpu()));
    EXPECT_TRUE(fetched(out, out.size()) == expected) << n << " values";
  }
}

TEST_P(GroupQuantCuda, CountsGroupsThatCannotBeCoded) {
  const int64_t n = 256 * 9, width = dtype_bytes(row_.dtype);
  const Buffer values = row_.data(n, 1);
  const Buffer nan = floats({NAN}, row_.dtype);
  std::memcpy(values.data() + 300 * width, nan.data(), static_cast<size_t>(width));
  const uint32_t zero = 0;
  const DeviceBuffer in(values.data(), values.size()), counter(&zero, sizeof zero), out(n * width);
  DeviceBuffer payload(codec_->payload_bound(n, row_.dtype, {}));
  const std::span<std::byte> room{payload.data(), static_cast<size_t>(payload.size())};
  codec_->encode({in.data(), n, row_.dtype}, {}, room, on_gpu(reinterpret_cast<uint32_t*>(counter.data())));
  codec_->decode(room, out.data(), n, row_.dtype, on_gpu());
  uint32_t poisoned = 0;
  counter.copy_to(&poisoned);
  EXPECT_EQ(poisoned, 1u);
  const Buffer decoded = fetched(out, out.size());
  for (int64_t i = 0; i < n; ++i) ASSERT_EQ(std::isnan(float_at(decoded.data(), i, row_.dtype)), i / 256 == 1) << i;
}

class AverageBitsCuda : public ::testing::TestWithParam<DType> {
 protected:
  void SetUp() override {
    if (backend::cuda_device_count() == 0) GTEST_SKIP() << backend::cuda_problem();
  }
};

// Lengths on both sides of what one block counts (8192 groups), and constant groups, whose bits others get.
TEST_P(AverageBitsCuda, HasTheBytesAndTheValuesOfTheCpu) {
  const DType dtype = GetParam();
  for (const int64_t n : {256 * 8192, 256 * 8192 + 1, 256 * 70'000 + 77}) {
    std::vector<double> values(static_cast<size_t>(n));
    for (size_t i = 0; i < values.size(); ++i) {
      const size_t group = i / 256;
      values[i] = std::sin(static_cast<double>(i % 65'521)) * std::exp2(static_cast<double>(group * 7 % 13) - 6);
      if (group % 11 == 5) values[i] = 0.5;
    }
    const Buffer data = floats(values, dtype);
    for (const double bits : {1.0, 2.0, 2.5, 4.0, 8.0}) {
      const auto codec = make_codec({"group_quant", {{"average_bits", bits}}});
      const Buffer expected = *encode(*codec, {data.data(), n, dtype}, {}, kOnCpu);
      const DeviceBuffer in(data.data(), data.size()), payload(expected.size()), out(data.size());
      const std::span<std::byte> room{payload.data(), static_cast<size_t>(payload.size())};
      for (int round = 0; round < 2; ++round) {  // the second one finds memory of the first
        ASSERT_EQ(codec->encode({in.data(), n, dtype}, {}, room, on_gpu()), expected.size());
        ASSERT_TRUE(fetched(payload, payload.size()) == expected) << n << " values, " << bits << " bits";
      }
      codec->decode(room, out.data(), n, dtype, on_gpu());
      ASSERT_TRUE(fetched(out, out.size()) == decode(*codec, expected, n, dtype, kOnCpu)) << n << " values";
    }
  }
}

// The CPU refuses such a payload.
TEST_P(AverageBitsCuda, ChunksThatDoNotFitDecodeToNaN) {
  const DType dtype = GetParam();
  const int64_t n = 256 * 300, second_offset = 64 + 8;
  std::vector<double> values(static_cast<size_t>(n));
  for (size_t i = 0; i < values.size(); ++i) values[i] = std::sin(static_cast<double>(i));
  const Buffer data = floats(values, dtype);
  const auto codec = make_codec({"group_quant", {{"average_bits", 2.5}}});
  for (const int64_t offset : {int64_t{-1}, int64_t{1} << 40}) {
    const Buffer damaged = *encode(*codec, {data.data(), n, dtype}, {}, kOnCpu);
    std::memcpy(damaged.data() + second_offset, &offset, sizeof offset);
    const DeviceBuffer payload(damaged.data(), damaged.size()), out(data.size());
    codec->decode({payload.data(), static_cast<size_t>(payload.size())}, out.data(), n, dtype, on_gpu());
    const Buffer decoded = fetched(out, out.size());
    for (int64_t i = 0; i < n; ++i) ASSERT_EQ(std::isnan(float_at(decoded.data(), i, dtype)), i < 256 * 256) << i;
  }
}

class PoolCuda : public CodecCuda {};

TEST_P(PoolCuda, CountsIndicesOutsideOfTheirWindow) {
  const int64_t n = 8 * 8 * 2 * 40, width = dtype_bytes(row_.dtype);
  const SideInfo side = row_.side(n);
  const Buffer values = row_.data(n, 1);
  std::memset(values.data() + 3000 * width, 0x70, static_cast<size_t>(width));
  const uint32_t zero = 0;
  const DeviceBuffer in(values.data(), values.size()), counter(&zero, sizeof zero), out(n * width);
  DeviceBuffer payload(*codec_->measure({in.data(), n, row_.dtype}, side, on_gpu()));
  const std::span<std::byte> room{payload.data(), static_cast<size_t>(payload.size())};
  codec_->encode({in.data(), n, row_.dtype}, side, room, on_gpu(reinterpret_cast<uint32_t*>(counter.data())));
  codec_->decode(room, out.data(), n, row_.dtype, on_gpu());
  uint32_t poisoned = 0;
  counter.copy_to(&poisoned);
  EXPECT_EQ(poisoned, 1u);
  const Buffer decoded = fetched(out, out.size());
  const int64_t planes = side.pool->in_h * side.pool->in_w;
  for (int64_t i = 0; i < n; ++i) {
    const int64_t index = integer_at(decoded.data(), i, row_.dtype);
    if (i == 3000)
      EXPECT_TRUE(index >= 0 && index < planes) << index;
    else
      ASSERT_EQ(index, integer_at(values.data(), i, row_.dtype)) << i;
  }
}

class CastCuda : public CodecCuda {};

// Every pattern of 16 bits, each as the upper half of a float32: NaN, infinities and denormals of either sign.
TEST_P(CastCuda, CastsWhatIsSpecialAsTheCpuDoes) {
  const int64_t n = 65536, width = dtype_bytes(row_.dtype);
  for (const uint32_t low : {0u, 1u, 0x8000u, 0xffffu}) {
    const Buffer values(n * width);
    for (int64_t i = 0; i < n; ++i) {
      const uint32_t bits = width == 4 ? static_cast<uint32_t>(i) << 16 | low : static_cast<uint32_t>(i);
      std::memcpy(values.data() + i * width, &bits, static_cast<size_t>(width));
    }
    const auto expected = encode(*codec_, {values.data(), n, row_.dtype}, {}, kOnCpu);
    ASSERT_TRUE(expected.has_value());
    const DeviceBuffer in(values.data(), values.size()), payload(expected->size()), out(values.size());
    const std::span<std::byte> room{payload.data(), static_cast<size_t>(payload.size())};
    ASSERT_EQ(codec_->encode({in.data(), n, row_.dtype}, {}, room, on_gpu()), expected->size());
    EXPECT_TRUE(fetched(payload, payload.size()) == *expected) << low;
    codec_->decode(room, out.data(), n, row_.dtype, on_gpu());
    EXPECT_TRUE(fetched(out, out.size()) == decode(*codec_, *expected, n, row_.dtype, kOnCpu)) << low;
  }
}

INSTANTIATE_TEST_SUITE_P(Codecs, CodecCuda, ::testing::ValuesIn(rows_on_gpu("")), row_name);
INSTANTIATE_TEST_SUITE_P(Codecs, GroupQuantCuda, ::testing::ValuesIn(rows_on_gpu("group_quant")), row_name);
INSTANTIATE_TEST_SUITE_P(Floats, AverageBitsCuda, ::testing::Values(DType::kFloat32, DType::kBFloat16, DType::kFloat16),
                         [](const auto& info) { return std::string(to_string(info.param)); });
INSTANTIATE_TEST_SUITE_P(Codecs, CastCuda, ::testing::ValuesIn(rows_on_gpu("cast")), row_name);
INSTANTIATE_TEST_SUITE_P(Codecs, PoolCuda, ::testing::ValuesIn(rows_on_gpu("int")), row_name);

TEST(CudaRuntime, SaysWhyThereIsNoDevice) {
  if (backend::cuda_device_count() > 0) {
    EXPECT_EQ(backend::cuda_problem(), "");
    return;
  }
  EXPECT_NE(backend::cuda_problem(), "");
  EXPECT_THROW(DeviceBuffer(16), Error);
}

}  // namespace
}  // namespace cinch::testing
