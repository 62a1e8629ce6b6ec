// dither's kernels with a mean and a step for each channel, walked through on the CPU: sides and chunks are those of
// the CPU codec byte for byte, and so are the values.
#include <cmath>
#include <random>

#include "cinch/error.h"
#include "tests/contract/grids.h"
#include "tests/contract/rows.h"
#include "tests/warp/dither_walk.h"
#include "tests/warp/slot_chunks.h"

namespace cinch::testing {
namespace {

using namespace cinch::codec;

const CodecContext kContext{7, 8, 9, &serial_executor(), nullptr};
uint64_t key() { return rng_key(kContext, kEntropyMagic); }
std::shared_ptr<const Codec> dither(double step) {
  return make_codec({"dither", {{"step_sigma", step}, {"predict", std::string("channel")}}});
}
constexpr DType kFloats[] = {DType::kFloat32, DType::kBFloat16, DType::kFloat16};

// Planes, channels last, tokens and volumes; maps that end within a run of four, a group and a chunk, and of one value.
const Grid kPlanes{8 * 32, {1, 14, 14}, 1, 32}, kTokens{1, {1, 1, 2100}, 37, 1};
const Grid kGrids[] = {kPlanes,
                       kTokens,
                       {4, {1, 12, 13}, 48, 1},
                       {35, {1, 7, 9}, 1, 5},
                       {3000, {1, 1, 1}, 1, 10},
                       {900, {1, 1, 3}, 1, 2},
                       {4, {1, 1, 300}, 3, 2},
                       {2, {9, 17, 10}, 6, 1},
                       {3, {3, 70, 65}, 1, 3},
                       {2, {1, 1, 256}, 1, 2},
                       {1, {1, 1, 260}, 500, 1}};

enum class Kind { kNormal, kRelu, kStrange };

// Channels of different means and deviations. Strange ones: of one value, of zeros, of nothing finite, quiet ones that
// are loud in places, and single values that no symbol holds.
Buffer values_of(const Grid& grid, DType dtype, Kind kind, int64_t shift = 0) {
  const int64_t n = grid.outer * slab_values(grid);
  std::mt19937 random(static_cast<uint32_t>(n));
  std::normal_distribution<double> normal;
  std::vector<double> values(static_cast<size_t>(n));
  for (size_t i = 0; i < values.size(); ++i) {
    const int64_t c = place_of(grid, static_cast<int64_t>(i)).channel;
    double& x = values[i];
    x = normal(random) * std::exp2(static_cast<double>(c % 8) - 4) + static_cast<double>(c % 5) - 2;
    if (kind == Kind::kRelu) x = std::max(x, 0.0);
    if (i % 97 == 5) x = i % 2 == 0 ? 0.0 : -0.0;
    if (kind != Kind::kStrange) continue;
    if (c % 7 == 3) x = 300;
    if (c % 7 == 4) x = 0;
    if (c % 7 == 5) x = i % 1000 == 0 ? 1.0 : 1e-6 * x;
    if (c % 13 == 6) x = NAN;
    if (i % 777 == 3) x = i % 2 == 0 ? INFINITY : NAN;
    if (i % 1001 == 7) x = -6e4;
  }
  const Buffer plain = floats(values, dtype);
  return Buffer(plain.data(), plain.size(), shift * dtype_bytes(dtype));
}

int64_t values_in(const Buffer& data, DType dtype) { return data.size() / dtype_bytes(dtype); }

// Slots in which every chunk fits.
Slots wide(int64_t n, DType dtype, const Grid& grid) {
  return {n, kLetterGroup * dtype_bytes(dtype), channels_bytes(grid)};
}

void expect_same_values(const Buffer& a, const Buffer& b, int64_t n, DType dtype) {
  for (int64_t i = 0; i < n; ++i) {
    const double x = float_at(a.data(), i, dtype), y = float_at(b.data(), i, dtype);
    ASSERT_TRUE((x == y && std::signbit(x) == std::signbit(y)) || (std::isnan(x) && std::isnan(y)))
        << "value " << i << " of " << n << ": " << x << " and " << y;
  }
}

// As expect_walks() of dither without channels: returns how many chunks are coarser than the CPU's.
int64_t expect_walks(const Buffer& data, DType dtype, const WalkOptions& options, Counted* counted = nullptr) {
  const int64_t n = values_in(data, dtype);
  const Extent in{data.data(), n, dtype};
  const auto codec = dither(options.step_sigma);
  SideInfo side;
  side.grid = options.channels;
  const auto packed = encode_at_length(*codec, in, side, options.slots.sides, kContext);
  EXPECT_TRUE(packed.has_value());
  if (!packed) return -1;
  const Buffer payload = walk_dither_encode(in, options, key(), counted);
  const int64_t coarse = expect_same_chunks(payload, *packed, options.slots.sides);
  const Buffer walked = walk_dither_decode(payload, n, dtype, true);
  expect_same_values(walked, decode(*codec, payload, n, dtype, kContext), n, dtype);
  if (coarse == 0) {
    EXPECT_TRUE(walked == decode(*codec, *packed, n, dtype, kContext));
  }
  return coarse;
}

class DitherChannelsWalk : public ::testing::TestWithParam<DType> {
 protected:
  const DType dtype_ = GetParam();
};

TEST_P(DitherChannelsWalk, HasTheSidesTheChunksAndTheValuesOfTheCpu) {
  for (const Grid& grid : kGrids)
    for (const Kind kind : {Kind::kNormal, Kind::kRelu, Kind::kStrange})
      for (const double step : {0.05, 1.0, 2.0})
        for (const int64_t shift : {0, 1}) {
          SCOPED_TRACE(std::to_string(grid.channels) + " x " + std::to_string(grid.inner) + " channels, kind " +
                       std::to_string(static_cast<int>(kind)) + ", step " + std::to_string(step));
          const Buffer data = values_of(grid, dtype_, kind, shift);
          const Slots slots = wide(values_in(data, dtype_), dtype_, grid);
          EXPECT_EQ(expect_walks(data, dtype_, {step, shift == 1, slots, grid}), 0);
          if (::testing::Test::HasFailure()) return;
        }
}

// As many channels as there may be; values enough that many blocks fit them.
TEST_P(DitherChannelsWalk, ManyChannels) {
  for (const Grid& grid : {Grid{1, {1, 1, 260}, kMostChannels, 1}, Grid{kMostChannels, {1, 16, 17}, 1, kMostChannels}})
    for (const Kind kind : {Kind::kNormal, Kind::kStrange}) {
      const Buffer data = values_of(grid, dtype_, kind);
      EXPECT_EQ(expect_walks(data, dtype_, {1.0, true, wide(values_in(data, dtype_), dtype_, grid), grid}), 0);
    }
}

TEST_P(DitherChannelsWalk, DefaultSlotsHoldWhatTheCodecIsMadeFor) {
  CodecContext on_gpu = kContext;
  on_gpu.device = DeviceKind::kCuda;
  for (const Grid& grid : kGrids)
    for (const bool relu : {false, true})
      for (const double step : {0.2, 1.0, 1.4, 4.0}) {
        const Buffer data = values_of(grid, dtype_, relu ? Kind::kRelu : Kind::kNormal);
        const int64_t n = values_in(data, dtype_);
        SideInfo side;
        side.grid = grid;
        const auto codec = dither(step);
        const auto room = codec->measure({data.data(), n, dtype_}, side, on_gpu);
        ASSERT_LE(*room, codec->payload_bound(n, dtype_, side));
        const Slots slots = slots_of(*room, n, channels_bytes(grid));
        ASSERT_EQ(slots.payload_bytes(), *room);
        EXPECT_EQ(expect_walks(data, dtype_, {step, false, slots, grid}), 0) << "step " << step << ", relu " << relu;
      }
}

TEST_P(DitherChannelsWalk, ChunksThatDoNotFitBecomeCoarser) {
  for (const Grid& grid : {kPlanes, kTokens})
    for (const int64_t group_bytes : {Slots::kLeast, coarse_group_bytes(4)}) {
      const Buffer data = values_of(grid, dtype_, Kind::kNormal);
      const int64_t n = values_in(data, dtype_);
      Counted counted;
      const int64_t coarse =
          expect_walks(data, dtype_, {0.05, false, {n, group_bytes, channels_bytes(grid)}, grid}, &counted);
      EXPECT_EQ(coarse, chunk_count(n));
      EXPECT_EQ(counted.coarsened, coarse);
      EXPECT_EQ(counted.poisoned, 0u);
    }
}

// The room for sides is there before it is known that nothing differs.
TEST_P(DitherChannelsWalk, SidesOfATensorOfOneValueChangeNothing) {
  for (const Grid& grid : {kPlanes, kTokens})
    for (const double value : {0.0, -0.0, 3.5, -1e4})
      for (const bool spread : {false, true}) {
        const int64_t n = grid.outer * slab_values(grid);
        const Buffer data = floats(std::vector<double>(static_cast<size_t>(n), value), dtype_);
        EXPECT_EQ(expect_walks(data, dtype_, {1.0, spread, wide(n, dtype_, grid), grid}), 0);
        const Buffer out = walk_dither_decode(
            walk_dither_encode({data.data(), n, dtype_}, {1.0, spread, wide(n, dtype_, grid), grid}, key()), n, dtype_,
            true);
        for (int64_t i = 0; i < n; ++i)
          ASSERT_EQ(float_at(out.data(), i, dtype_), float_at(data.data(), i, dtype_)) << i;
      }
}

TEST_P(DitherChannelsWalk, WhatTheCpuDeclinesDecodesToNaNAndIsCounted) {
  const int64_t n = kPlanes.outer * slab_values(kPlanes);
  const Buffer data = floats(std::vector<double>(static_cast<size_t>(n), NAN), dtype_);
  for (const bool spread : {false, true}) {
    Counted counted;
    const Buffer payload =
        walk_dither_encode({data.data(), n, dtype_}, {1.0, spread, wide(n, dtype_, kPlanes), kPlanes}, key(), &counted);
    EXPECT_EQ(counted.poisoned, chunk_count(n));
    const Buffer walked = walk_dither_decode(payload, n, dtype_, true);
    EXPECT_TRUE(walked == decode(*dither(1.0), payload, n, dtype_, kContext));
    for (int64_t i = 0; i < n; ++i) ASSERT_TRUE(std::isnan(float_at(walked.data(), i, dtype_)));
  }
}

// Only the payload says whether channels are told apart in it.
TEST_P(DitherChannelsWalk, TensorsWithoutChannelsAreDecodedToo) {
  for (const int64_t n : {1, 300, 40'000}) {
    const Buffer data = activations(n, 3, dtype_, false);
    const Buffer payload =
        walk_dither_encode({data.data(), n, dtype_}, {1.0, false, {n, kLetterGroup * dtype_bytes(dtype_)}}, key());
    expect_same_values(walk_dither_decode(payload, n, dtype_, true), decode(*dither(1.0), payload, n, dtype_, kContext),
                       n, dtype_);
  }
}

TEST_P(DitherChannelsWalk, NothingDependsOnTheOrderOfThreads) {
  for (const Grid& grid : {kPlanes, kTokens})
    for (const int64_t group_bytes : {int64_t{68}, int64_t{100}, kLetterGroup * dtype_bytes(dtype_)})
      for (const bool spread : {false, true}) {
        const Buffer data = values_of(grid, dtype_, Kind::kStrange);
        const int64_t n = values_in(data, dtype_);
        const Extent in{data.data(), n, dtype_};
        const WalkOptions options{0.4, spread, {n, group_bytes, channels_bytes(grid)}, grid};
        const Buffer payload = walk_dither_encode(in, options, key()),
                     values = walk_dither_decode(payload, n, dtype_, true);
        backwards = true;
        const bool same = walk_dither_encode(in, options, key()) == payload;
        const bool same_values = walk_dither_decode(payload, n, dtype_, true) == values;
        backwards = false;
        EXPECT_TRUE(same) << group_bytes << " bytes a group";
        EXPECT_TRUE(same_values) << group_bytes << " bytes a group";
      }
}

// A header, or a grid, that is not that of this length: NaN, and the CPU says so. Other damage: some values.
TEST_P(DitherChannelsWalk, DamagedPayloadsAreHarmless) {
  const int64_t n = kTokens.outer * slab_values(kTokens), grid_at = chunks_offset(n);
  const Buffer data = values_of(kTokens, dtype_, Kind::kNormal);
  const Slots slots = slots_for(2.8, n, dtype_bytes(dtype_), channels_bytes(kTokens));
  const Buffer payload = walk_dither_encode({data.data(), n, dtype_}, {1.0, false, slots, kTokens}, key());
  const auto refused = [&](const Buffer& damaged) {
    EXPECT_THROW(decode(*dither(1.0), damaged, n, dtype_, kContext), CodecError);
    const Buffer out = walk_dither_decode(damaged, n, dtype_, true);
    for (int64_t i = 0; i < n; ++i) ASSERT_TRUE(std::isnan(float_at(out.data(), i, dtype_))) << i;
  };
  for (const int64_t other : {int64_t{0}, int64_t{1}, slots.group_bytes - 4, slots.group_bytes + 4, int64_t{1} << 30}) {
    Buffer damaged(payload.data(), payload.size());
    Header h = header_of(payload);
    h.words[3] = (h.words[3] & 0xffffffff) | other << 32;
    write_header(h, damaged.span());
    refused(damaged);
  }
  Buffer without(payload.data(), payload.size());
  Header h = header_of(payload);
  h.kind &= static_cast<uint8_t>(~kByChannel);
  write_header(h, without.span());
  refused(without);
  for (const int64_t at : {0, 3, 7, 8, 15, 16, 23}) {
    Buffer damaged(payload.data(), payload.size());
    damaged.data()[grid_at + at] = std::byte{0xff};
    refused(damaged);
  }
  std::mt19937 random(9);
  for (int round = 0; round < 20; ++round) {
    Buffer damaged(payload.data(), payload.size());
    const auto from = static_cast<uint32_t>(round % 2 == 0 ? lengths_offset() : grid_at + int64_t{sizeof(StoredGrid)});
    for (int k = 0; k < (round < 10 ? 40 : 20'000); ++k)
      damaged.data()[from + random() % (static_cast<uint32_t>(damaged.size()) - from)] =
          static_cast<std::byte>(random());
    walk_dither_decode(damaged, n, dtype_, true);
    Buffer out(n * dtype_bytes(dtype_));
    try {
      dither(1.0)->decode(damaged.span(), out.data(), n, dtype_, kContext);
    } catch (const CodecError& e) {
      EXPECT_GT(std::string(e.what()).size(), 20u);
    }
    EXPECT_TRUE(out.intact());
  }
}

INSTANTIATE_TEST_SUITE_P(Types, DitherChannelsWalk, ::testing::ValuesIn(kFloats),
                         [](const auto& info) { return std::string(to_string(info.param)); });

}  // namespace
}  // namespace cinch::testing
