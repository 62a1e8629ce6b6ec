// What warps make of maps, walked through on the CPU: byte for byte what lfc makes there.
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "src/codec/fixed_rate/lfc_layout.h"
#include "src/codec/fixed_rate/warp_lfc.h"
#include "src/codec/fixed_rate/warp_ranges.h"
#include "src/codec/stage/warp_average.h"
#include "tests/contract/grids.h"
#include "tests/contract/support.h"
#include "tests/warp/walk.h"
#include "tests/warp/walk_grids.h"

namespace cinch::testing {
namespace {

using namespace cinch::codec;

struct Case {
  int edge, bits;
  DType dtype;
};

template <class F>
void with_case(const Case& c, F f) {
  with_bits(c.bits, [&](auto bits) {
    if (c.dtype == DType::kFloat32) return f(bits, float{});
    if (c.dtype == DType::kBFloat16) return f(bits, Bf16{});
    return f(bits, Fp16{});
  });
}

// As maps are, some of them smooth, constant, zero or of denormals, and sums that the order of additions changes.
Buffer values_of(const Grid& grid, int64_t n, DType dtype) {
  std::mt19937 random(static_cast<uint32_t>(n));
  std::normal_distribution<double> normal(0.1, 1.0);
  std::vector<double> values(static_cast<size_t>(n));
  for (size_t e = 0; e < values.size(); ++e) {
    const Place p = place_of(grid, static_cast<int64_t>(e));
    values[e] = normal(random) * std::ldexp(1.0, static_cast<int>(random() % 8) - 4);
    if (p.map % 5 == 1) values[e] = std::sin(0.1 * static_cast<double>(p.w + p.h)) + 1e-3 * values[e];
    if (p.map % 7 == 3) values[e] = e % 2 == 0 ? 0.0 : -0.0;
    if (p.map % 11 == 4) values[e] = std::ldexp(values[e], -130);
    if (p.map % 11 == 6) values[e] = 3.0;
    if (p.map % 11 == 8) values[e] *= dtype == DType::kFloat16 ? 100 : 0x1p90;
  }
  return floats(values, dtype);
}

template <int kBits, class T>
Buffer walk_encode(const Buffer& data, const Grid& grid, int64_t edge, int64_t n, const CodecContext& context,
                   const Buffer& reference, uint32_t* poisoned, int64_t blocks = 3) {
  Buffer out(reference.data(), reference.size());
  const Blocks of = blocks_of(grid, edge);
  const LfcLayout l = lfc_layout(grid, of, n, kBits);
  // Only header and gaps are the reference's.
  std::memset(out.data() + l.sides, 0x5a, static_cast<size_t>(l.sides_end - l.sides));
  std::memset(out.data() + l.averages, 0x5a, static_cast<size_t>(l.averages_end - l.averages));
  std::memset(out.data() + l.codes, 0x5a, static_cast<size_t>(l.bytes - l.codes));
  const auto* values = reinterpret_cast<const T*>(data.data());
  auto* sides = reinterpret_cast<Sides*>(out.data() + l.sides);
  auto* averages = reinterpret_cast<uint16_t*>(out.data() + l.averages);
  const AverageJob<T> average = average_job(values, grid, of, averages, nullptr);
  walk(ceil_div(average.count, kLanes), blocks, 0, [&](const HostWarp& warp, int64_t tile) {
    if (has_many_columns(edge))
      average_tile<kAnyColumns<true>, true, 1>(warp, average, tile);
    else
      average_tile<kAnyColumns<false>, false, 1>(warp, average, tile);
  });
  const RangeJob<T> range =
      range_job(values, averages, grid, of, kBits, reinterpret_cast<KeyRange*>(out.data() + l.codes), sides, poisoned);
  const int64_t runs = ceil_div(map_count(grid), kLanes);
  const auto clear = [&](const HostWarp& warp, int64_t run) { clear_keys(warp, range, run * kLanes); };
  const auto finish = [&](const HostWarp& warp, int64_t run) { keys_to_sides(warp, range, run * kLanes); };
  if (range.parts > 1) walk(runs, blocks, 0, clear);
  walk(range.pieces(), blocks, 0, [&](const HostWarp& warp, int64_t piece) { range_piece(warp, range, piece); });
  if (range.parts > 1) walk(runs, blocks, 0, finish);
  const ResidualEncodeJob<T> job{{values, n}, block_map(grid, of), rng_key(context, kLfcMagic + uint64_t{kBits}), sides,
                                 averages,    out.data() + l.codes};
  walk(encoding_pieces<T>(n), blocks, kScratchWords,
       [&](const HostWarp& warp, int64_t piece) { encode_residuals<kBits>(warp, job, piece); });
  EXPECT_TRUE(out.intact());
  return out;
}

template <int kBits, class T>
Buffer walk_decode(const Buffer& payload, const Grid& grid, int64_t edge, int64_t n) {
  const Blocks of = blocks_of(grid, edge);
  const LfcLayout l = lfc_layout(grid, of, n, kBits);
  Buffer out(n * static_cast<int64_t>(sizeof(T)));
  const ResidualDecodeJob<T> job{block_map(grid, of),
                                 reinterpret_cast<const Sides*>(payload.data() + l.sides),
                                 reinterpret_cast<const uint16_t*>(payload.data() + l.averages),
                                 payload.data() + l.codes,
                                 n,
                                 reinterpret_cast<T*>(out.data())};
  walk(decoding_pieces(n), 2, 0,
       [&](const HostWarp& warp, int64_t piece) { decode_residuals<kBits>(warp, job, piece); });
  EXPECT_TRUE(out.intact());
  return out;
}

class LfcWalk : public ::testing::TestWithParam<Case> {
 protected:
  const Case case_ = GetParam();
  const std::shared_ptr<const Codec> codec_ =
      make_codec({"lfc", {{"block", int64_t{case_.edge}}, {"bits", int64_t{case_.bits}}}});
  const CodecContext context_{11, 12, 13, &serial_executor(), nullptr};
};

TEST_P(LfcWalk, HasTheBytesAndTheValuesOfTheCpu) {
  std::vector<Grid> grids = walk_grids();
  grids.push_back({2, {1, 90, 100}, 3, 2});  // maps in parts
  for (const Grid& grid : grids)
    for (const int64_t shift : {0, 1}) {
      SideInfo side;
      side.grid = grid;
      const int64_t n = grid.outer * slab_values(grid);
      const Buffer values = values_of(grid, n, case_.dtype);
      const Buffer data(values.data(), values.size(), shift * dtype_bytes(case_.dtype));
      const auto expected = encode(*codec_, {data.data(), n, case_.dtype}, side, context_);
      ASSERT_TRUE(expected.has_value());
      with_case(case_, [&](auto bits, auto zero) {
        using T = decltype(zero);
        constexpr int kBits = decltype(bits)::value;
        uint32_t poisoned = 0;
        EXPECT_TRUE((walk_encode<kBits, T>(data, grid, case_.edge, n, context_, *expected, &poisoned) == *expected))
            << n << " values, inner " << grid.inner << ", shifted by " << shift;
        EXPECT_EQ(poisoned, 0u);
        EXPECT_TRUE((walk_decode<kBits, T>(*expected, grid, case_.edge, n) ==
                     decode(*codec_, *expected, n, case_.dtype, context_)))
            << n << " values, inner " << grid.inner;
      });
    }
}

// The CPU codec declines such a tensor; kernels give NaN for the maps concerned.
TEST_P(LfcWalk, PoisonsMapsThatCannotBeCoded) {
  for (const Grid& grid : {Grid{6, {1, 20, 20}, 1, 3}, Grid{2, {1, 15, 16}, 5, 1}, Grid{2, {1, 80, 80}, 1, 1}})
    for (const double bad : {double{NAN}, -double{NAN}, double{INFINITY}, -double{INFINITY}, 0x1p127, -0x1p127}) {
      if (case_.dtype == DType::kFloat16 && std::fabs(bad) == 0x1p127) continue;  // is infinite there
      SideInfo side;
      side.grid = grid;
      const int64_t n = grid.outer * slab_values(grid);
      std::vector<double> numbers(static_cast<size_t>(n));
      for (size_t i = 0; i < numbers.size(); ++i) numbers[i] = std::sin(static_cast<double>(i));
      const Buffer good = floats(numbers, case_.dtype);
      numbers[300] = numbers[static_cast<size_t>(n) - 1] = bad;
      const Buffer data = floats(numbers, case_.dtype);
      const auto reference = encode(*codec_, {good.data(), n, case_.dtype}, side, context_);
      EXPECT_FALSE(encode(*codec_, {data.data(), n, case_.dtype}, side, context_).has_value());
      with_case(case_, [&](auto bits, auto zero) {
        using T = decltype(zero);
        constexpr int kBits = decltype(bits)::value;
        uint32_t poisoned = 0;
        const Buffer payload = walk_encode<kBits, T>(data, grid, case_.edge, n, context_, *reference, &poisoned);
        EXPECT_EQ(poisoned, 2u);
        const Buffer out = walk_decode<kBits, T>(payload, grid, case_.edge, n);
        const Buffer clean = walk_decode<kBits, T>(*reference, grid, case_.edge, n);
        for (int64_t i = 0; i < n; ++i) {
          const int64_t map = place_of(grid, i).map;
          const double y = float_at(out.data(), i, case_.dtype);
          ASSERT_EQ(std::isnan(y), map == place_of(grid, 300).map || map == place_of(grid, n - 1).map) << i;
          if (std::isnan(y)) continue;
          ASSERT_EQ(y, float_at(clean.data(), i, case_.dtype)) << i;
        }
      });
    }
}

std::vector<Case> all_cases() {
  std::vector<Case> cases;
  for (const DType dtype : {DType::kFloat32, DType::kBFloat16, DType::kFloat16}) {
    for (const int bits : {1, 2, 4, 8}) cases.push_back({8, bits, dtype});
    for (const int edge : {1, 3, 5, 13, 16, 37, 64}) cases.push_back({edge, 2, dtype});
  }
  return cases;
}

INSTANTIATE_TEST_SUITE_P(Cases, LfcWalk, ::testing::ValuesIn(all_cases()), [](const auto& info) {
  return std::to_string(info.param.edge) + "_" + std::to_string(info.param.bits) + "_" +
         std::string(to_string(info.param.dtype));
});

}  // namespace
}  // namespace cinch::testing
