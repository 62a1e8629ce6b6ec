#include <gtest/gtest.h>

#include <limits>
#include <utility>

#include "cinch/error.h"
#include "src/codec/stage/bitpack.h"
#include "tests/contract/support.h"

namespace cinch::testing {
namespace {

const auto kCodec = make_codec({"int", {}});

// Payload bytes beyond the header, or -1 when declined; checks that the values come back.
int64_t coded(const std::vector<int64_t>& values, DType dtype, const SideInfo& side = {}) {
  const Buffer data = integers(values, dtype);
  const auto n = static_cast<int64_t>(values.size());
  const auto payload = encode(*kCodec, {data.data(), n, dtype}, side);
  if (!payload) return -1;
  EXPECT_TRUE(decode(*kCodec, *payload, n, dtype) == data);
  return payload->size() - 64;
}

std::vector<int64_t> ramp(int64_t n, int64_t low, int64_t count) {
  std::vector<int64_t> values;
  for (int64_t i = 0; i < n; ++i) values.push_back(low + i % count);
  return values;
}

TEST(Int, TakesTheBitsOfItsRange) {
  EXPECT_EQ(coded(ramp(640, 7, 1), DType::kInt64), 0);
  EXPECT_EQ(coded(ramp(640, 7, 2), DType::kInt64), 80);
  EXPECT_EQ(coded(ramp(640, -3, 4), DType::kInt64), 160);
  EXPECT_EQ(coded(ramp(640, -3, 5), DType::kInt64), 240);
  EXPECT_EQ(coded(ramp(640, 0, 256), DType::kInt32), 640);
  EXPECT_EQ(coded(ramp(640, -128, 16), DType::kInt8), 320);
}

TEST(Int, DeclinesWhatIsNotSmaller) {
  const int64_t most = std::numeric_limits<int64_t>::max(), least = std::numeric_limits<int64_t>::min();
  std::vector<int64_t> values = ramp(640, 0, 7);
  values[5] = most;
  values[9] = least;
  EXPECT_EQ(coded(values, DType::kInt64), -1);
  EXPECT_EQ(coded(ramp(640, 0, 256), DType::kUInt8), -1);
  EXPECT_EQ(coded(ramp(3, 0, 2), DType::kInt64), -1) << "the header alone is larger";
  EXPECT_EQ(coded({}, DType::kInt64), -1);
}

TEST(Int, NarrowsWideRangesExactly) {
  const int64_t most = std::numeric_limits<int64_t>::max(), least = std::numeric_limits<int64_t>::min();
  for (const int64_t base : {least, int64_t{-1}, most - 1000}) {
    std::vector<int64_t> values = ramp(640, base, 900);
    EXPECT_EQ(coded(values, DType::kInt64), 800);
  }
  std::vector<int64_t> values = ramp(640, least, 9);
  values[77] = -1;  // 63 bits
  EXPECT_EQ(coded(values, DType::kInt64), 640 / 64 * 63 * 8);
}

PoolGeometry two_by_two() {
  PoolGeometry p;
  p.planes = 2, p.in_h = p.in_w = 16, p.out_h = p.out_w = 8;
  p.kernel_h = p.kernel_w = p.stride_h = p.stride_w = 2;
  return p;
}

std::vector<int64_t> first_cells(const PoolGeometry& p) {
  std::vector<int64_t> values;
  for (int64_t n = 0; n < p.planes; ++n) {
    for (int64_t h = 0; h < p.out_h; ++h) {
      for (int64_t w = 0; w < p.out_w; ++w)
        values.push_back((h * p.stride_h + 1) * p.in_w + w * p.stride_w + (n + h + w) % 2);
    }
  }
  return values;
}

TEST(Int, KeepsPoolIndicesAsOffsetsInTheirWindow) {
  const PoolGeometry p = two_by_two();
  EXPECT_EQ(coded(first_cells(p), DType::kInt64, {{}, p}), 64 + 128 * 2 / 8);
}

TEST(Int, FallsBackToTheRangeWhenAnIndexIsInNoWindow) {
  const PoolGeometry p = two_by_two();
  for (const int64_t wild : {int64_t{5}, int64_t{-1}, int64_t{255}, std::numeric_limits<int64_t>::min() / 2}) {
    std::vector<int64_t> values = first_cells(p);
    values[100] = wild;
    const int64_t bytes = coded(values, DType::kInt64, {{}, p});
    EXPECT_EQ(bytes, coded(values, DType::kInt64)) << wild;
  }
}

// Room is taken from a sample of many indices; one of the others that is in no window tells while they are coded.
TEST(Int, DeclinesAWildIndexThatNoSampleMet) {
  PoolGeometry p = two_by_two();
  p.planes = 1000;
  std::vector<int64_t> values = first_cells(p);
  const auto n = static_cast<int64_t>(values.size());
  ASSERT_EQ(coded(values, DType::kInt64, {{}, p}), 64 + n * 2 / 8);
  for (const int64_t place : {int64_t{500}, n - 1}) {  // of each 1000 the first 256 are looked at
    const int64_t cell = std::exchange(values[static_cast<size_t>(place)], 5);
    const Extent in{values.data(), n, DType::kInt64};
    const SideInfo side{{}, p};
    const auto room = kCodec->measure(in, side, {});
    ASSERT_TRUE(room.has_value());
    ASSERT_EQ(*room, 64 + 64 + n * 2 / 8) << "the sample met it";
    Buffer payload(*room);
    EXPECT_FALSE(kCodec->encode(in, side, payload.span(), {}).has_value());
    Buffer larger(kCodec->payload_bound(n, DType::kInt64, side));
    const auto bytes = kCodec->encode(in, side, larger.span(), {});
    ASSERT_TRUE(bytes.has_value());
    EXPECT_EQ(*bytes - 64, coded(values, DType::kInt64));
    values[static_cast<size_t>(place)] = cell;
  }
  values[0] = 255;  // the sample meets the first ones
  EXPECT_EQ(coded(values, DType::kInt64, {{}, p}), coded(values, DType::kInt64));
}

TEST(Int, IgnoresAGeometryThatCannotBe) {
  const std::vector<int64_t> values = first_cells(two_by_two());
  const int64_t by_range = coded(values, DType::kInt64);
  const auto with = [&](auto change) {
    PoolGeometry p = two_by_two();
    change(p);
    return coded(values, DType::kInt64, {{}, p});
  };
  EXPECT_EQ(with([](PoolGeometry& p) { p.planes = 3; }), by_range);
  EXPECT_EQ(with([](PoolGeometry& p) { p.in_w = 0; }), by_range);
  EXPECT_EQ(with([](PoolGeometry& p) { p.kernel_h = 0; }), by_range);
  EXPECT_EQ(with([](PoolGeometry& p) { p.kernel_h = p.kernel_w = 100; }), by_range);
  EXPECT_EQ(with([](PoolGeometry& p) { p.stride_w = std::numeric_limits<int64_t>::max(); }), by_range);
  EXPECT_EQ(with([](PoolGeometry& p) { p.dilation_h = std::numeric_limits<int32_t>::max() / 4, p.in_w = 1 << 28; }),
            by_range);
  EXPECT_EQ(with([](PoolGeometry& p) { p.pad_h = -1; }), by_range);
  EXPECT_EQ(with([](PoolGeometry& p) { p.channels = 3; }), by_range);
}

TEST(Int, FollowsDilationPaddingAndWindowsThatHangOver) {
  PoolGeometry p;
  p.planes = 3, p.in_h = 9, p.in_w = 11, p.out_h = 5, p.out_w = 6;
  p.kernel_h = 3, p.kernel_w = 2, p.stride_h = 2, p.stride_w = 2, p.pad_h = 2, p.pad_w = 1, p.dilation_h = 2,
  p.dilation_w = 3;
  std::vector<int64_t> values;
  for (int64_t e = 0; e < 90; ++e) {
    const int64_t h = e / 6 % 5, w = e % 6;
    int64_t found = -1;
    for (int64_t i = 0; i < 3; ++i) {
      for (int64_t j = 0; j < 2; ++j) {
        const int64_t y = h * 2 - 2 + i * 2, x = w * 2 - 1 + j * 3;
        if (y >= 0 && y < 9 && x >= 0 && x < 11 && (found < 0 || (e + i + j) % 2 == 0)) found = y * 11 + x;
      }
    }
    ASSERT_GE(found, 0);
    values.push_back(found);
  }
  EXPECT_EQ(coded(values, DType::kInt64, {{}, p}), 64 + 2 * 3 * 8);
}

// Nothing is read on the device, not even here: the geometry alone says how many bits an offset takes.
TEST(IntOnCuda, TakesWhatTheGeometryTellsAndDeclinesTheRest) {
  CodecContext context;
  context.device = DeviceKind::kCuda;
  PoolGeometry p = two_by_two();
  const auto n = p.planes * p.out_h * p.out_w;
  const std::byte nowhere{};
  const auto measured = [&](DType dtype, const SideInfo& side) {
    return kCodec->measure({&nowhere, n, dtype}, side, context);
  };
  EXPECT_EQ(measured(DType::kInt64, {{}, p}), 64 + 64 + n * 2 / 8);
  EXPECT_EQ(measured(DType::kInt32, {{}, p}), 64 + 64 + n * 2 / 8);
  EXPECT_EQ(measured(DType::kInt64, {}), std::nullopt) << "the range would have to be looked at";
  EXPECT_EQ(kCodec->encode({&nowhere, n, DType::kInt64}, {}, {}, context), std::nullopt);
  EXPECT_THROW(measured(DType::kInt8, {{}, p}), CodecError);
  p.planes = 3;
  EXPECT_EQ(measured(DType::kInt64, {{}, p}), std::nullopt) << "other geometry";
}

TEST(IntOnCuda, RefusesWhatNoPayloadIsLong) {
  CodecContext context;
  context.device = DeviceKind::kCuda;
  std::byte payload[4096]{}, out[64 * 8]{};
  const auto decode = [&](size_t bytes, int64_t numel) {
    kCodec->decode({payload, bytes}, out, numel, DType::kInt64, context);
  };
  EXPECT_THROW(decode(0, 64), CodecError);
  EXPECT_THROW(decode(127, 64), CodecError);
  EXPECT_THROW(decode(128 + 7, 64), CodecError);
  EXPECT_THROW(decode(128 + 11 * 8, 64), CodecError) << "no window has that many cells";
  EXPECT_THROW(decode(128, 0), CodecError);
  EXPECT_THROW(kCodec->decode({payload, 128}, out, 64, DType::kInt16, context), CodecError);
}

TEST(BitPack, EveryWidthComesBack) {
  for (int width = 0; width < 64; ++width) {
    uint64_t values[64], words[64], out[64], state = 1;
    for (uint64_t& v : values) {
      state = state * 6364136223846793005ull + 1442695040888963407ull;
      v = width == 0 ? 0 : state >> (64 - width);
    }
    codec::pack_block(values, width, words);
    codec::unpack_block(words, width, out);
    for (int i = 0; i < 64; ++i) ASSERT_EQ(out[i], values[i]) << width << " bits, value " << i;
  }
}

}  // namespace
}  // namespace cinch::testing
