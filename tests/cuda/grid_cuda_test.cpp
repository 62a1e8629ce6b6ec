// Methods that look at a tensor's grid, on the GPU: what becomes of values that cannot be coded, and of headers that do
// not fit. Skipped, and counted, without a GPU.
#include <cmath>
#include <functional>

#include "tests/contract/grids.h"
#include "tests/cuda/codec_cuda.h"

namespace cinch::testing {
namespace {

constexpr int64_t kValues = 28 * 14 * 24 * 6, kBad = 5000;

class GridCuda : public CodecCuda {
 protected:
  // One value that cannot be coded: all that is `concerned` decodes to NaN, everything else as without it, and it is
  // counted once.
  void expect_poisoned(const std::function<bool(const Place& bad, const Place& other)>& concerned) {
    const int64_t width = dtype_bytes(row_.dtype), bytes = kValues * width;
    const SideInfo side = row_.side(kValues);
    const Grid grid = grid_of(side, kValues);
    const Buffer values = row_.data(kValues, 1);
    const auto good = encode(*codec_, {values.data(), kValues, row_.dtype}, side, kOnCpu);
    ASSERT_TRUE(good.has_value());
    for (const double bad : {double{NAN}, -double{NAN}, double{INFINITY}, -double{INFINITY}}) {
      const Buffer special = floats({bad}, row_.dtype);
      std::memcpy(values.data() + kBad * width, special.data(), static_cast<size_t>(width));
      const uint32_t zero = 0;
      const DeviceBuffer in(values.data(), bytes), counter(&zero, sizeof zero), out(bytes), clean(bytes);
      DeviceBuffer payload(codec_->payload_bound(kValues, row_.dtype, side));
      const std::span<std::byte> room{payload.data(), static_cast<size_t>(payload.size())};
      codec_->encode({in.data(), kValues, row_.dtype}, side, room, on_gpu(reinterpret_cast<uint32_t*>(counter.data())));
      codec_->decode(room, out.data(), kValues, row_.dtype, on_gpu());
      uint32_t poisoned = 0;
      counter.copy_to(&poisoned);
      EXPECT_EQ(poisoned, 1u);
      const DeviceBuffer coded(good->data(), good->size());
      codec_->decode({coded.data(), static_cast<size_t>(coded.size())}, clean.data(), kValues, row_.dtype, on_gpu());
      const Buffer decoded = fetched(out, bytes), expected = fetched(clean, bytes);
      const Place place = place_of(grid, kBad);
      for (int64_t i = 0; i < kValues; ++i) {
        const double y = float_at(decoded.data(), i, row_.dtype);
        const bool hit = concerned(place, place_of(grid, i));
        ASSERT_EQ(std::isnan(y), hit) << i;
        if (hit) continue;
        ASSERT_EQ(y, float_at(expected.data(), i, row_.dtype)) << i;
      }
    }
  }
};

class FixedPointCuda : public GridCuda {};
TEST_P(FixedPointCuda, ChannelsThatCannotBeCodedDecodeToNan) {
  expect_poisoned([](const Place& bad, const Place& other) { return bad.channel == other.channel; });
}

class BlocksCuda : public GridCuda {};
TEST_P(BlocksCuda, BlocksThatCannotBeAveragedDecodeToNan) {
  const int64_t edge = row_.spec.get_int("block", 0);
  expect_poisoned([edge](const Place& a, const Place& b) {
    return a.map == b.map && a.d / edge == b.d / edge && a.h / edge == b.h / edge && a.w / edge == b.w / edge;
  });
}

class LfcCuda : public GridCuda {};
TEST_P(LfcCuda, MapsThatCannotBeCodedDecodeToNan) {
  expect_poisoned([](const Place& bad, const Place& other) { return bad.map == other.map; });
}

// The host does not read headers: a kernel that meets a grid that does not fit reads nothing behind it.
TEST_P(GridCuda, APayloadWithAnotherGridDecodesToNan) {
  const int64_t bytes = kValues * dtype_bytes(row_.dtype);
  const Buffer values = row_.data(kValues, 1);
  const auto payload = encode(*codec_, {values.data(), kValues, row_.dtype}, row_.side(kValues), kOnCpu);
  ASSERT_TRUE(payload.has_value());
  for (const int64_t width : {int64_t{0}, int64_t{-1}, int64_t{5}, int64_t{1} << 40}) {
    std::memcpy(payload->data() + 24 + 2 * 8, &width, sizeof width);  // words[2] of the header
    const DeviceBuffer coded(payload->data(), payload->size()), out(bytes);
    codec_->decode({coded.data(), static_cast<size_t>(coded.size())}, out.data(), kValues, row_.dtype, on_gpu());
    const Buffer decoded = fetched(out, bytes);
    for (int64_t i = 0; i < kValues; ++i) ASSERT_TRUE(std::isnan(float_at(decoded.data(), i, row_.dtype))) << i;
  }
}

// Other kernels than those of rows: blocks of any edge, maps in parts, slabs of few values, and unaligned data.
TEST(LfcGridsCuda, HaveTheBytesAndTheValuesOfTheCpu) {
  if (backend::cuda_device_count() == 0) GTEST_SKIP() << backend::cuda_problem();
  for (const Grid& grid : {Grid{3, {1, 150, 131}, 1, 3}, Grid{2, {1, 90, 100}, 37, 1}, Grid{500, {1, 3, 3}, 1, 10},
                           Grid{2, {9, 17, 10}, 6, 1}, Grid{1, {1, 1, 1'000'003}, 1, 1}, Grid{700, {1, 1, 1}, 1, 7}})
    for (const int64_t edge : {1, 3, 8, 13, 64}) {
      const auto codec = make_codec({"lfc", {{"block", edge}, {"bits", int64_t{2}}}});
      SideInfo side;
      side.grid = grid;
      const int64_t n = grid.outer * grid.sides[0] * grid.sides[1] * grid.sides[2] * grid.inner;
      std::vector<double> numbers(static_cast<size_t>(n + 1));
      for (size_t i = 0; i < numbers.size(); ++i) numbers[i] = std::sin(0.37 * static_cast<double>(i)) + 0.2;
      const Buffer values = floats(numbers, DType::kFloat32);
      const DeviceBuffer in(values.data(), values.size()), out(n * 4);
      const auto expected = encode(*codec, {values.data() + 4, n, DType::kFloat32}, side, kOnCpu);
      ASSERT_TRUE(expected.has_value());
      DeviceBuffer payload(expected->size());
      const std::span<std::byte> room{payload.data(), static_cast<size_t>(payload.size())};
      ASSERT_EQ(codec->encode({in.data() + 4, n, DType::kFloat32}, side, room, on_gpu()), expected->size());
      EXPECT_TRUE(fetched(payload, payload.size()) == *expected) << n << " values, blocks of " << edge;
      codec->decode(room, out.data(), n, DType::kFloat32, on_gpu());
      EXPECT_TRUE(fetched(out, out.size()) == decode(*codec, *expected, n, DType::kFloat32, kOnCpu))
          << n << " values, blocks of " << edge;
    }
}

INSTANTIATE_TEST_SUITE_P(FixedPoint, GridCuda, ::testing::ValuesIn(rows_on_gpu("fixed_point")), row_name);
INSTANTIATE_TEST_SUITE_P(Pool, GridCuda, ::testing::ValuesIn(rows_on_gpu("pool")), row_name);
INSTANTIATE_TEST_SUITE_P(Lfc, GridCuda, ::testing::ValuesIn(rows_on_gpu("lfc")), row_name);
INSTANTIATE_TEST_SUITE_P(Codecs, FixedPointCuda, ::testing::ValuesIn(rows_on_gpu("fixed_point")), row_name);
INSTANTIATE_TEST_SUITE_P(Codecs, BlocksCuda, ::testing::ValuesIn(rows_on_gpu("pool")), row_name);
INSTANTIATE_TEST_SUITE_P(Codecs, LfcCuda, ::testing::ValuesIn(rows_on_gpu("lfc")), row_name);

}  // namespace
}  // namespace cinch::testing
