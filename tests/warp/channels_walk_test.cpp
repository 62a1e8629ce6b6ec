// What warps make of channels, walked through on the CPU: byte for byte what fixed_point makes there.
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "src/codec/fixed_rate/fixed_point_kernels.h"
#include "src/codec/fixed_rate/warp_channels.h"
#include "tests/contract/grids.h"
#include "tests/contract/support.h"
#include "tests/warp/walk.h"
#include "tests/warp/walk_grids.h"

namespace cinch::testing {
namespace {

using namespace cinch::codec;

struct Case {
  int bits;
  DType dtype;
};

// Calls f(integral_constant bits, zero of the type).
template <class F>
void with_case(const Case& c, F f) {
  const auto typed = [&](auto bits) {
    if (c.dtype == DType::kFloat32) return f(bits, float{});
    if (c.dtype == DType::kBFloat16) return f(bits, Bf16{});
    return f(bits, Fp16{});
  };
  c.bits == 4 ? typed(std::integral_constant<int, 4>()) : typed(std::integral_constant<int, 8>());
}

Buffer values_of(const Grid& grid, int64_t n, DType dtype) {
  std::mt19937 random(static_cast<uint32_t>(n));
  std::normal_distribution<double> normal(0.0, 1.0);
  std::vector<double> values(static_cast<size_t>(n));
  for (size_t e = 0; e < values.size(); ++e) {
    const int64_t channel = place_of(grid, static_cast<int64_t>(e)).channel;
    values[e] = normal(random) * std::ldexp(1.0, static_cast<int>(channel % 7) - 3);
    if (channel % 3 == 1) values[e] = std::max(0.0, values[e]);
    if (channel % 5 == 3) values[e] += 20.0 * static_cast<double>(channel % 2 * 2 - 1);
    if (e % 11 == 0) values[e] *= 30;  // beyond the range
    if (e % 13 == 0) values[e] = e % 2 == 0 ? 0x1p-140 : -0x1p-140;
    if (e % 17 == 0) values[e] = e % 2 == 0 ? 0.0 : -0.0;
  }
  return floats(values, dtype);
}

template <int kBits, class T>
Buffer walk_encode(const Buffer& data, const Grid& grid, int64_t n, DType dtype, const Buffer& reference,
                   uint32_t* poisoned, int64_t blocks = 3) {
  Buffer out(reference.data(), reference.size());
  const ChannelLayout l = channel_layout(grid, n, kBits);
  // Only header and gap are the reference's.
  std::memset(out.data() + l.sides, 0x5a, static_cast<size_t>(l.sides_end - l.sides));
  std::memset(out.data() + l.codes, 0x5a, static_cast<size_t>(l.bytes - l.codes));
  auto* sides = reinterpret_cast<ChannelSides*>(out.data() + l.sides);
  const auto* values = reinterpret_cast<const T*>(data.data());
  const ChannelSidesJob<T> moments{
      values, channel_sample(grid, values_looked_at(grid)), channel_count(grid), kBits, dtype, sides};
  walk(channel_count(grid), blocks, 0, [&](const HostWarp& warp, int64_t c) { find_channel_sides(warp, moments, c); });
  const ChannelEncodeJob<T> job{{values, n}, channel_map(grid), sides, out.data() + l.codes, poisoned};
  walk(encoding_pieces<T>(n), blocks, 0,
       [&](const HostWarp& warp, int64_t piece) { encode_cells<kBits>(warp, job, piece); });
  EXPECT_TRUE(out.intact());
  return out;
}

template <int kBits, class T>
Buffer walk_decode(const Buffer& payload, const Grid& grid, int64_t n) {
  const ChannelLayout l = channel_layout(grid, n, kBits);
  Buffer out(n * static_cast<int64_t>(sizeof(T)));
  const ChannelDecodeJob<T> job{reinterpret_cast<const ChannelSides*>(payload.data() + l.sides),
                                payload.data() + l.codes, channel_map(grid), n, reinterpret_cast<T*>(out.data())};
  walk(decoding_pieces(n), 2, 0, [&](const HostWarp& warp, int64_t piece) { decode_cells<kBits>(warp, job, piece); });
  EXPECT_TRUE(out.intact());
  return out;
}

class ChannelsWalk : public ::testing::TestWithParam<Case> {
 protected:
  const Case case_ = GetParam();
  const std::shared_ptr<const Codec> codec_ = make_codec({"fixed_point", {{"bits", int64_t{case_.bits}}}});
};

TEST_P(ChannelsWalk, HasTheBytesAndTheValuesOfTheCpu) {
  for (const Grid& grid : walk_grids())
    for (const int64_t shift : {0, 1}) {
      SideInfo side;
      side.grid = grid;
      const int64_t n = grid.outer * slab_values(grid);
      const Buffer values = values_of(grid, n, case_.dtype);
      const Buffer data(values.data(), values.size(), shift * dtype_bytes(case_.dtype));
      const auto expected = encode(*codec_, {data.data(), n, case_.dtype}, side);
      ASSERT_TRUE(expected.has_value());
      with_case(case_, [&](auto bits, auto zero) {
        using T = decltype(zero);
        constexpr int kBits = decltype(bits)::value;
        uint32_t poisoned = 0;
        EXPECT_TRUE((walk_encode<kBits, T>(data, grid, n, case_.dtype, *expected, &poisoned) == *expected))
            << n << " values, " << grid.channels << " x " << grid.inner << " channels, shifted by " << shift;
        EXPECT_EQ(poisoned, 0u);
        EXPECT_TRUE((walk_decode<kBits, T>(*expected, grid, n) == decode(*codec_, *expected, n, case_.dtype)))
            << n << " values, " << grid.channels << " x " << grid.inner << " channels";
      });
    }
}

// The CPU codec declines such a tensor; kernels give NaN for the channels concerned, whether or not their sample met
// the value, and count the groups that hold one.
TEST_P(ChannelsWalk, PoisonsChannelsThatCannotBeCoded) {
  for (const Grid& grid : {Grid{6, {1, 20, 20}, 1, 3}, Grid{2, {1, 15, 16}, 5, 1}})
    for (const double bad : {double{NAN}, -double{NAN}, double{INFINITY}, -double{INFINITY}, 0x1p118, -0x1p118}) {
      if (case_.dtype == DType::kFloat16 && std::fabs(bad) == 0x1p118) continue;  // is infinite there
      SideInfo side;
      side.grid = grid;
      const int64_t n = 2400, channel = place_of(grid, 300).channel, last = place_of(grid, n - 1).channel;
      std::vector<double> numbers(static_cast<size_t>(n));
      for (size_t i = 0; i < numbers.size(); ++i) numbers[i] = std::sin(static_cast<double>(i));
      const Buffer good = floats(numbers, case_.dtype);
      numbers[300] = numbers[static_cast<size_t>(n) - 1] = bad;
      const Buffer data = floats(numbers, case_.dtype);
      const auto reference = encode(*codec_, {good.data(), n, case_.dtype}, side);
      EXPECT_FALSE(encode(*codec_, {data.data(), n, case_.dtype}, side).has_value());
      with_case(case_, [&](auto bits, auto zero) {
        using T = decltype(zero);
        constexpr int kBits = decltype(bits)::value;
        uint32_t poisoned = 0;
        const Buffer payload = walk_encode<kBits, T>(data, grid, n, case_.dtype, *reference, &poisoned);
        EXPECT_EQ(poisoned, 2u);
        const Buffer out = walk_decode<kBits, T>(payload, grid, n), clean = walk_decode<kBits, T>(*reference, grid, n);
        for (int64_t i = 0; i < n; ++i) {
          const int64_t own = place_of(grid, i).channel;
          const double y = float_at(out.data(), i, case_.dtype);
          ASSERT_EQ(std::isnan(y), own == channel || own == last) << i;
          if (std::isnan(y)) continue;
          ASSERT_EQ(y, float_at(clean.data(), i, case_.dtype)) << i;
        }
      });
    }
}

INSTANTIATE_TEST_SUITE_P(Cases, ChannelsWalk,
                         ::testing::Values(Case{4, DType::kFloat32}, Case{8, DType::kFloat32},
                                           Case{4, DType::kBFloat16}, Case{8, DType::kBFloat16},
                                           Case{4, DType::kFloat16}, Case{8, DType::kFloat16}),
                         [](const auto& info) {
                           return std::to_string(info.param.bits) + "_" + std::string(to_string(info.param.dtype));
                         });

// A place far into a tensor of more than 2^31 values, and what a tile makes of it.
TEST(ChannelPlace, IsFoundBeyondTwoToThe31) {
  for (const Grid& grid : {Grid{5, {1, 1, (int64_t{1} << 31) + 5}, 1, 5}, Grid{3, {1, 1 << 16, 1 << 15}, 7, 1},
                           Grid{int64_t{1} << 33, {1, 1, 3}, 1, 1 << 10}, Grid{1 << 20, {1, 1, 1}, 1 << 13, 1}}) {
    const ChannelMap map = channel_map(grid);
    const int64_t n = grid.outer * slab_values(grid);
    for (const int64_t begin : {int64_t{0}, n / 2 - 77, slab_values(grid) - 100, n - 600}) {
      if (begin < 0) continue;
      const ChannelPlace start = channel_place(map, begin);
      ChannelPlace next = start;
      for (uint32_t by = 0; by < 600; ++by) {
        const ChannelPlace p = moved(map, start, by);
        ASSERT_EQ(side_of(map, p), place_of(grid, begin + by).channel) << begin << " + " << by;
        ASSERT_EQ(side_of(map, next), side_of(map, p)) << begin << " + " << by;
        advance(map, next);
      }
    }
  }
}

}  // namespace
}  // namespace cinch::testing
