// Block averages as warps make them and repeat them, walked through on the CPU: byte for byte what pool makes there.
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "src/codec/fixed_rate/lfc_layout.h"
#include "src/codec/fixed_rate/warp_pool.h"
#include "tests/contract/grids.h"
#include "tests/contract/support.h"
#include "tests/warp/walk.h"
#include "tests/warp/walk_grids.h"

namespace cinch::testing {
namespace {

using namespace cinch::codec;

struct Case {
  int edge;
  DType dtype;
};

// Calls f(integral_constant edge, zero of the type).
template <class F>
void with_case(const Case& c, F f) {
  const auto typed = [&](auto edge) {
    if (c.dtype == DType::kFloat32) return f(edge, float{});
    if (c.dtype == DType::kBFloat16) return f(edge, Bf16{});
    return f(edge, Fp16{});
  };
  if (c.edge == 2) return typed(std::integral_constant<int, 2>());
  c.edge == 4 ? typed(std::integral_constant<int, 4>()) : typed(std::integral_constant<int, 8>());
}

// Sums that the order of additions changes, and blocks of zeros, of denormals and of large values.
Buffer values_of(int64_t n, DType dtype) {
  std::mt19937 random(static_cast<uint32_t>(n));
  std::normal_distribution<double> normal(0.1, 1.0);
  std::vector<double> values(static_cast<size_t>(n));
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = normal(random) * std::ldexp(1.0, static_cast<int>(random() % 12) - 6);
    if (i / 64 % 5 == 2) values[i] = i % 2 == 0 ? 0.0 : -0.0;
    if (i / 64 % 7 == 3) values[i] = std::ldexp(normal(random), -128);
    if (i / 64 % 7 == 5) values[i] *= dtype == DType::kFloat16 ? 100 : 0x1p90;
  }
  return floats(values, dtype);
}

template <int kEdge, class T>
Buffer walk_encode(const Buffer& data, const Grid& grid, const Buffer& reference, uint32_t* poisoned) {
  Buffer out(reference.data(), reference.size());
  std::memset(out.data() + kHeaderBytes, 0x5a, static_cast<size_t>(out.size() - kHeaderBytes));
  const AverageJob<T> job = average_job(reinterpret_cast<const T*>(data.data()), grid, blocks_of(grid, kEdge),
                                        reinterpret_cast<uint16_t*>(out.data() + kHeaderBytes), poisoned);
  walk(ceil_div(job.count, kLanes * pool_runs(kEdge)), 3, 0,
       [&](const HostWarp& warp, int64_t tile) { pool_tile<kEdge>(warp, job, tile); });
  EXPECT_TRUE(out.intact());
  return out;
}

template <class T>
Buffer walk_decode(const Buffer& payload, const Grid& grid, int64_t edge, int64_t n) {
  Buffer out(n * static_cast<int64_t>(sizeof(T)));
  const UnpoolJob<T> job{reinterpret_cast<const uint16_t*>(payload.data() + kHeaderBytes),
                         block_map(grid, blocks_of(grid, edge)), n, reinterpret_cast<T*>(out.data())};
  walk(ceil_div(n, kUnpoolTile), 2, 0, [&](const HostWarp& warp, int64_t tile) { unpool_tile(warp, job, tile); });
  EXPECT_TRUE(out.intact());
  return out;
}

class BlocksWalk : public ::testing::TestWithParam<Case> {
 protected:
  const Case case_ = GetParam();
  const std::shared_ptr<const Codec> codec_ = make_codec({"pool", {{"block", int64_t{case_.edge}}}});
};

TEST_P(BlocksWalk, HasTheBytesAndTheValuesOfTheCpu) {
  for (const Grid& grid : walk_grids())
    for (const int64_t shift : {0, 1}) {
      SideInfo side;
      side.grid = grid;
      const int64_t n = grid.outer * slab_values(grid);
      const Buffer values = values_of(n, case_.dtype);
      const Buffer data(values.data(), values.size(), shift * dtype_bytes(case_.dtype));
      const auto expected = encode(*codec_, {data.data(), n, case_.dtype}, side);
      ASSERT_TRUE(expected.has_value());
      with_case(case_, [&](auto edge, auto zero) {
        using T = decltype(zero);
        constexpr int kEdge = decltype(edge)::value;
        uint32_t poisoned = 0;
        EXPECT_TRUE((walk_encode<kEdge, T>(data, grid, *expected, &poisoned) == *expected))
            << n << " values, inner " << grid.inner << ", shifted by " << shift;
        EXPECT_EQ(poisoned, 0u);
        EXPECT_TRUE(walk_decode<T>(*expected, grid, kEdge, n) == decode(*codec_, *expected, n, case_.dtype))
            << n << " values, inner " << grid.inner;
      });
    }
}

// The CPU codec declines such a tensor; kernels give NaN for the blocks concerned.
TEST_P(BlocksWalk, PoisonsBlocksThatCannotBeAveraged) {
  for (const Grid& grid : {Grid{6, {1, 20, 20}, 1, 3}, Grid{2, {1, 15, 16}, 5, 1}})
    for (const double bad : {double{NAN}, double{INFINITY}, -double{INFINITY}, 0x1p127}) {
      if (case_.dtype == DType::kFloat16 && bad == 0x1p127) continue;  // is infinite there
      SideInfo side;
      side.grid = grid;
      const int64_t n = 2400;
      std::vector<double> numbers(static_cast<size_t>(n));
      for (size_t i = 0; i < numbers.size(); ++i) numbers[i] = std::sin(static_cast<double>(i));
      const Buffer good = floats(numbers, case_.dtype);
      numbers[300] = numbers[static_cast<size_t>(n) - 1] = bad;
      const Buffer data = floats(numbers, case_.dtype);
      const auto reference = encode(*codec_, {good.data(), n, case_.dtype}, side);
      EXPECT_FALSE(encode(*codec_, {data.data(), n, case_.dtype}, side).has_value());
      with_case(case_, [&](auto edge, auto zero) {
        using T = decltype(zero);
        constexpr int kEdge = decltype(edge)::value;
        uint32_t poisoned = 0;
        const Buffer payload = walk_encode<kEdge, T>(data, grid, *reference, &poisoned);
        EXPECT_EQ(poisoned, 2u);  // in runs of 32 averages that differ
        const Buffer out = walk_decode<T>(payload, grid, kEdge, n), clean = walk_decode<T>(*reference, grid, kEdge, n);
        const auto block = [&](int64_t e) {
          const Place p = place_of(grid, e);
          return std::array<int64_t, 3>{p.map, p.h / kEdge, p.w / kEdge};
        };
        for (int64_t i = 0; i < n; ++i) {
          const double y = float_at(out.data(), i, case_.dtype);
          ASSERT_EQ(std::isnan(y), block(i) == block(300) || block(i) == block(n - 1)) << i;
          if (std::isnan(y)) continue;
          ASSERT_EQ(y, float_at(clean.data(), i, case_.dtype)) << i;
        }
      });
    }
}

std::vector<Case> all_cases() {
  std::vector<Case> cases;
  for (const int edge : {2, 4, 8})
    for (const DType dtype : {DType::kFloat32, DType::kBFloat16, DType::kFloat16}) cases.push_back({edge, dtype});
  return cases;
}

INSTANTIATE_TEST_SUITE_P(Cases, BlocksWalk, ::testing::ValuesIn(all_cases()), [](const auto& info) {
  return std::to_string(info.param.edge) + "_" + std::string(to_string(info.param.dtype));
});

// Places far into tensors of more than 2^31 values, and averages there.
TEST(GridPlace, IsFoundBeyondTwoToThe31) {
  for (const Grid& grid : {Grid{3, {1, 1 << 16, 1 << 15}, 7, 1}, Grid{int64_t{1} << 33, {1, 1, 3}, 1, 1 << 10},
                           Grid{1 << 20, {1, 1, 1}, 1 << 13, 1}, Grid{2, {1, 1, (int64_t{1} << 31) - 1}, 3, 2},
                           Grid{5, {1000, 1001, 1003}, 1, 1}}) {
    ASSERT_TRUE(is_mappable(grid));
    const int64_t n = grid.outer * slab_values(grid);
    for (const int64_t edge : {1, 2, 3, 8, 64}) {
      const Blocks blocks = blocks_of(grid, edge);
      const BlockMap map = block_map(grid, blocks);
      for (const int64_t begin : {int64_t{0}, n / 2 - 77, slab_values(grid) - 100, n - 600}) {
        if (begin < 0) continue;
        const GridPlace start = place_at(map.grid, begin);
        BlockWalk step = walk_from(map, start);
        for (uint32_t by = 0; by < 600; ++by) {
          const Place p = place_of(grid, begin + by);
          const GridPlace found = moved(map.grid, start, by);
          ASSERT_EQ(static_cast<int64_t>(found.slab) * grid.inner + found.i, p.map) << begin << " + " << by;
          const int64_t expected = p.slab * slab_averages(grid, blocks) + row_averages(grid, blocks, p.d, p.h) +
                                   p.w / edge * grid.inner + p.i;
          ASSERT_EQ(walk_from(map, found).average(), expected) << begin << " + " << by;
          ASSERT_EQ(step.average(), expected) << begin << " + " << by;
          step.advance(map);
        }
      }
    }
  }
  EXPECT_FALSE(is_mappable({1, {1, 1, int64_t{1} << 31}, 1, 1}));
}

}  // namespace
}  // namespace cinch::testing
