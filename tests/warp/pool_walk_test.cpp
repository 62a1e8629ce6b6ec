// Max-pool indices as warps code them, walked through on the CPU: byte for byte what the CPU codec makes.
#include <gtest/gtest.h>

#include <limits>
#include <random>

#include "src/codec/lossless/warp_pool.h"
#include "src/codec/stage/header.h"
#include "tests/contract/pool_indices.h"
#include "tests/contract/support.h"
#include "tests/warp/walk.h"

namespace cinch::testing {
namespace {

using namespace cinch::codec;

constexpr int64_t kBody = kHeaderBytes + int64_t{sizeof(StoredPool)};
const auto kCodec = make_codec({"int", {}});

struct Shape {
  const char* name;
  PoolGeometry pool;
};

PoolGeometry geometry(int64_t planes, int64_t out, int64_t kernel, int64_t stride, int64_t pad, int64_t dilation) {
  PoolGeometry p;
  p.planes = planes;
  p.channels = planes % 3 == 0 ? 3 : 1;
  p.out_h = out, p.out_w = out + 1;
  p.kernel_h = p.kernel_w = kernel;
  p.stride_h = p.stride_w = stride;
  p.pad_h = p.pad_w = pad;
  p.dilation_h = p.dilation_w = dilation;
  p.in_h = (p.out_h - 1) * stride + (kernel - 1) * dilation + 1 - 2 * pad;
  p.in_w = (p.out_w - 1) * stride + (kernel - 1) * dilation + 1 - 2 * pad;
  return p;
}

// Every width of an offset, tails of all kinds, and what max-pools may do.
std::vector<Shape> shapes() {
  PoolGeometry uneven = geometry(6, 5, 3, 2, 1, 2);
  uneven.kernel_w = 2, uneven.dilation_w = 3, uneven.in_w = 13;
  PoolGeometry wide = geometry(6, 7, 3, 1, 1, 1);  // a window is wider than its plane: distances have two cells
  wide.out_w = 2, wide.in_w = 2;
  PoolGeometry column = geometry(3, 30, 2, 2, 0, 1);
  column.kernel_w = 1;
  PoolGeometry row = geometry(3, 30, 2, 2, 0, 1);
  row.kernel_h = 1, row.dilation_h = 1 << 20, row.kernel_w = 5, row.in_w = 100;
  return {{"one_cell", geometry(6, 20, 1, 2, 0, 1)},
          {"stem", geometry(6, 14, 3, 2, 1, 1)},
          {"two_by_two", geometry(12, 16, 2, 2, 0, 1)},
          {"two_planes", geometry(2, 33, 2, 2, 0, 1)},
          {"five_bits", geometry(6, 9, 5, 3, 2, 1)},
          {"six_bits", geometry(3, 21, 7, 4, 3, 1)},
          {"seven_bits", geometry(3, 8, 10, 5, 5, 1)},
          {"eight_bits", geometry(3, 9, 16, 16, 0, 1)},
          {"nine_bits", geometry(3, 10, 20, 7, 10, 1)},
          {"ten_bits", geometry(3, 11, 32, 32, 16, 2)},
          {"one_window", geometry(1025, 1, 4, 4, 0, 1)},
          {"uneven", uneven},
          {"wider_than_its_plane", wide},
          {"column", column},
          {"row", row},
          {"long", geometry(3, 100, 3, 2, 1, 1)}};
}

struct Case {
  Shape shape;
  bool channels_last;
  DType dtype;
};

class PoolWalkTest : public ::testing::TestWithParam<Case> {
 protected:
  PoolWalkTest() : pool_(GetParam().shape.pool) { pool_.channels_last = GetParam().channels_last; }

  template <class F>
  void with_type(F f) const {
    GetParam().dtype == DType::kInt32 ? f(int32_t{}) : f(int64_t{});
  }

  // A payload whose header and geometry are the CPU's.
  template <class T>
  Buffer walk_encode(const Buffer& data, const Buffer& expected, uint32_t* poisoned, int64_t blocks = 2) const {
    Buffer out(expected.data(), expected.size());
    std::memset(out.data() + kBody, 0x5a, static_cast<size_t>(out.size() - kBody));
    Header header;
    std::memcpy(&header, expected.data(), sizeof header);
    const ToOffsetsJob<T> job{reinterpret_cast<const T*>(data.data()),
                              data.size() / int64_t{sizeof(T)},
                              map_of(store(pool_)),
                              header.bits,
                              reinterpret_cast<uint32_t*>(out.data() + kBody),
                              poisoned};
    EXPECT_EQ(kBody + pool_words(job.numel, job.width) * 4, expected.size());
    walk(pool_tiles(job.numel), blocks, kPoolScratchWords,
         [&](const HostWarp& warp, int64_t tile) { tile_to_offsets(warp, job, tile); });
    EXPECT_TRUE(out.intact());
    return out;
  }

  template <class T>
  Buffer walk_decode(const Buffer& payload, int64_t numel) const {
    Header header;
    StoredPool stored;
    std::memcpy(&header, payload.data(), sizeof header);
    std::memcpy(&stored, payload.data() + kHeaderBytes, sizeof stored);
    Buffer out(numel * int64_t{sizeof(T)});
    const FromOffsetsJob<T> job{reinterpret_cast<const uint32_t*>(payload.data() + kBody), numel, map_of(stored),
                                header.bits, reinterpret_cast<T*>(out.data())};
    walk(pool_tiles(numel), 2, 0, [&](const HostWarp& warp, int64_t tile) { tile_from_offsets(warp, job, tile); });
    EXPECT_TRUE(out.intact());
    return out;
  }

  PoolGeometry pool_;
};

TEST_P(PoolWalkTest, EncodesToTheBytesOfTheCpu) {
  const DType dtype = GetParam().dtype;
  const Buffer values = integers(pool_indices(pool_, 1), dtype);
  for (const int64_t shift : {0, 1}) {
    const Buffer data(values.data(), values.size(), shift * dtype_bytes(dtype));
    const auto expected = encode(*kCodec, {data.data(), data.size() / dtype_bytes(dtype), dtype}, {{}, pool_});
    ASSERT_TRUE(expected.has_value());
    with_type([&](auto zero) {
      uint32_t poisoned = 0;
      EXPECT_TRUE(walk_encode<decltype(zero)>(data, *expected, &poisoned) == *expected) << "shifted by " << shift;
      EXPECT_EQ(poisoned, 0u);
    });
  }
}

TEST_P(PoolWalkTest, DecodesToTheIndices) {
  const DType dtype = GetParam().dtype;
  const Buffer data = integers(pool_indices(pool_, 2), dtype);
  const int64_t n = data.size() / dtype_bytes(dtype);
  const auto payload = encode(*kCodec, {data.data(), n, dtype}, {{}, pool_});
  ASSERT_TRUE(payload.has_value());
  with_type([&](auto zero) { EXPECT_TRUE(walk_decode<decltype(zero)>(*payload, n) == data); });
}

// Cannot come from a max-pool. The CPU notices and keeps the range; a kernel counts, and leaves the others alone.
TEST_P(PoolWalkTest, AnIndexOutsideOfItsWindowIsCountedAndBecomesOneInside) {
  const DType dtype = GetParam().dtype;
  std::vector<int64_t> indices = pool_indices(pool_, 3);
  const auto n = static_cast<int64_t>(indices.size());
  const Buffer good = integers(indices, dtype);
  const auto reference = encode(*kCodec, {good.data(), n, dtype}, {{}, pool_});
  ASSERT_TRUE(reference.has_value());
  for (const int64_t wild : {int64_t{-1'000'000}, int64_t{std::numeric_limits<int32_t>::max()}}) {
    std::vector<int64_t> changed = indices;
    changed.front() = changed.back() = wild;
    const Buffer data = integers(changed, dtype);
    with_type([&](auto zero) {
      using T = decltype(zero);
      uint32_t poisoned = 0;
      const Buffer payload = walk_encode<T>(data, *reference, &poisoned);
      EXPECT_EQ(poisoned, n > kPoolTile ? 2u : 1u);
      const Buffer out = walk_decode<T>(payload, n);
      for (int64_t i = 1; i + 1 < n; ++i)
        ASSERT_EQ(integer_at(out.data(), i, dtype), indices[static_cast<size_t>(i)]) << i;
      for (const int64_t i : {int64_t{0}, n - 1}) {
        const int64_t index = integer_at(out.data(), i, dtype), window = pool_.channels_last ? i / pool_.channels : i;
        const int64_t y = index / pool_.in_w - (window / pool_.out_w % pool_.out_h * pool_.stride_h - pool_.pad_h);
        const int64_t x = index % pool_.in_w - (window % pool_.out_w * pool_.stride_w - pool_.pad_w);
        EXPECT_TRUE(index >= 0 && index < pool_.in_h * pool_.in_w) << index;
        EXPECT_TRUE(y >= 0 && y <= (pool_.kernel_h - 1) * pool_.dilation_h && y % pool_.dilation_h == 0) << index;
        EXPECT_TRUE(x >= 0 && x <= (pool_.kernel_w - 1) * pool_.dilation_w && x % pool_.dilation_w == 0) << index;
      }
    });
  }
}

std::vector<Case> cases() {
  std::vector<Case> all;
  for (const Shape& shape : shapes())
    for (const bool channels_last : {false, true})
      for (const DType dtype : {DType::kInt64, DType::kInt32}) all.push_back({shape, channels_last, dtype});
  return all;
}

INSTANTIATE_TEST_SUITE_P(Shapes, PoolWalkTest, ::testing::ValuesIn(cases()), [](const auto& info) {
  return std::string(info.param.shape.name) + (info.param.channels_last ? "_channels_last_" : "_") +
         std::string(to_string(info.param.dtype));
});

}  // namespace
}  // namespace cinch::testing
