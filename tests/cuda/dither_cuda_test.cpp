// dither on the GPU: chunk by chunk the bytes of the CPU, and its values. Skipped, and counted, without a GPU.
#include <gtest/gtest.h>

#include <cmath>
#include <optional>
#include <random>

#include "src/backend/cuda/device_buffer.h"
#include "src/backend/cuda/runtime.h"
#include "src/codec/entropy_coded/channel_rules.h"
#include "tests/codec/large_data.h"
#include "tests/contract/grids.h"
#include "tests/contract/rows.h"
#include "tests/warp/slot_chunks.h"

namespace cinch::testing {
namespace {

using backend::DeviceBuffer;
using codec::Slots;

const CodecContext kOnCpu{7, 8, 9, &serial_executor(), nullptr};
constexpr DType kFloats[] = {DType::kFloat32, DType::kBFloat16, DType::kFloat16};

// Counters in device memory.
struct Counters {
  Counters() : memory(zeros, sizeof zeros) {}
  CodecContext context() {
    CodecContext context = kOnCpu;
    context.device = DeviceKind::kCuda;
    context.poisoned = reinterpret_cast<uint32_t*>(memory.data());
    context.coarsened = context.poisoned + 1;
    return context;
  }
  void fetch() { memory.copy_to(found); }

  const uint32_t zeros[2] = {0, 0};
  uint32_t found[2] = {0, 0};  // poisoned, coarsened
  DeviceBuffer memory;
};

Buffer fetched(const DeviceBuffer& from) {
  Buffer all(from.size());
  from.copy_to(all.data());
  return all;
}

struct Coded {
  Buffer payload, values;
  int64_t coarse = 0;
  uint32_t poisoned = 0;
};

class DitherCuda : public ::testing::TestWithParam<DType> {
 protected:
  void SetUp() override {
    if (backend::cuda_device_count() == 0) GTEST_SKIP() << backend::cuda_problem();
    if (!backend::cuda_built()) GTEST_SKIP() << "needs kernels";
  }
  const DType dtype_ = GetParam();
  const int64_t width_ = dtype_bytes(dtype_);

  // Codes and decodes on the GPU and compares with the CPU. `room` 0: what measure() asks for. `shift`: values by which
  // the tensor is not aligned. `channels`: these are told apart.
  Coded code(const Buffer& values, int64_t n, double step, int64_t room = 0, int64_t shift = 0,
             const std::optional<Grid>& channels = {}) {
    const std::string predict = channels ? "channel" : "none";
    const auto codec = make_codec({"dither", {{"step_sigma", step}, {"predict", predict}}});
    SideInfo side;
    side.grid = channels;
    const int64_t sides = channels ? codec::channels_bytes(*channels) : 0;
    Counters counters;
    const CodecContext on_gpu = counters.context();
    Buffer shifted((n + shift) * width_);
    std::memcpy(shifted.data() + shift * width_, values.data(), static_cast<size_t>(n * width_));
    const DeviceBuffer in(shifted.data(), shifted.size());
    const Extent on_device{in.data() + shift * width_, n, dtype_};
    if (room == 0) room = *codec->measure(on_device, side, on_gpu);
    DeviceBuffer payload(room), out(n * width_);
    const auto bytes = codec->encode(on_device, side, {payload.data(), static_cast<size_t>(room)}, on_gpu);
    EXPECT_TRUE(bytes.has_value() && *bytes <= room);
    codec->decode({payload.data(), static_cast<size_t>(*bytes)}, out.data(), n, dtype_, on_gpu);
    counters.fetch();
    Coded coded{Buffer(fetched(payload).data(), *bytes), fetched(out), counters.found[1], counters.found[0]};
    const auto packed = encode_at_length(*codec, {values.data(), n, dtype_}, side, sides, kOnCpu);
    if (packed) {
      EXPECT_EQ(expect_same_chunks(coded.payload, *packed, sides), coded.coarse);
    }
    expect_same_values(coded.values, decode(*codec, coded.payload, n, dtype_, kOnCpu), n);
    return coded;
  }
  void expect_same_values(const Buffer& a, const Buffer& b, int64_t n) {
    if (a == b) return;
    for (int64_t i = 0; i < n; ++i) {
      const double x = float_at(a.data(), i, dtype_), y = float_at(b.data(), i, dtype_);
      ASSERT_TRUE((x == y && std::signbit(x) == std::signbit(y)) || (std::isnan(x) && std::isnan(y)))
          << "value " << i << " of " << n << ": " << x << " on the GPU, " << y << " on the CPU";
    }
  }
};

TEST_P(DitherCuda, HasTheChunksAndTheValuesOfTheCpu) {
  for (const double step : {0.1, 1.0, 2.0})
    for (const bool relu : {false, true})
      for (const int64_t n : {1, 7, 255, 256, 257, 4099, 32'768, 100'003, 1'048'576, 5'000'011})
        for (const int64_t shift : {0, 1}) {
          if (shift > 0 && n > 200'000) continue;
          SCOPED_TRACE(std::to_string(n) + " values, step " + std::to_string(step));
          const Coded coded = code(activations(n, static_cast<uint32_t>(n), dtype_, relu), n, step, 0, shift);
          EXPECT_EQ(coded.coarse, 0);
          EXPECT_EQ(coded.poisoned, 0u);
        }
}

TEST_P(DitherCuda, LiteralsRawValuesAndVerbatimChunks) {
  const int64_t n = 32'768 * 5 + 777;
  for (const int kind : {0, 1, 2}) {
    std::mt19937 random(11);
    std::normal_distribution<double> normal(0, 1);
    std::cauchy_distribution<double> cauchy(0, 1);
    std::vector<double> values(static_cast<size_t>(n));
    for (size_t i = 0; i < values.size(); ++i) {
      values[i] = kind == 0 ? cauchy(random) : normal(random);
      if (kind == 1 && i % 777 == 3) values[i] = i % 2 == 0 ? INFINITY : NAN;
      if (kind == 2 && i >= 32'768 && i < 65'536) values[i] *= 1e4;
    }
    const Slots wide{n, codec::kLetterGroup * width_};
    for (const double step : {0.1, 1.0}) code(floats(values, dtype_), n, step, wide.payload_bytes());
  }
}

TEST_P(DitherCuda, ChunksThatDoNotFitBecomeCoarserAndAreCounted) {
  const int64_t n = 32'768 * 40 + 1000;
  const Buffer values = activations(n, 3, dtype_, true);
  const Coded coded = code(values, n, 0.25, Slots{n, Slots::kLeast}.payload_bytes());
  EXPECT_GT(coded.coarse, 0);
  for (int64_t i = 0; i < n; ++i) {
    const double x = float_at(values.data(), i, dtype_), y = float_at(coded.values.data(), i, dtype_);
    ASSERT_LE(std::abs(x - y), 6.0) << i;
    if (dtype_ != DType::kFloat16) {
      ASSERT_EQ(x == 0, y == 0) << i;
    }
  }
}

TEST_P(DitherCuda, WhatTheCpuDeclinesDecodesToNaNAndIsCounted) {
  for (const int64_t n : {70'000, 2'000'000}) {
    const Coded coded = code(floats(std::vector<double>(static_cast<size_t>(n), NAN), dtype_), n, 1.0);
    EXPECT_EQ(coded.poisoned, codec::chunk_count(n));
    for (int64_t i = 0; i < n; ++i) ASSERT_TRUE(std::isnan(float_at(coded.values.data(), i, dtype_))) << i;
  }
}

TEST_P(DitherCuda, GivesTheSameBytesEachTime) {
  const int64_t n = 3'000'000;
  const Buffer values = activations(n, 4, dtype_, false);
  const Coded first = code(values, n, 1.0);
  for (int round = 0; round < 5; ++round) EXPECT_TRUE(code(values, n, 1.0).payload == first.payload);
}

// Channels of different means and deviations, some of one value, of zeros or of nothing finite where `strange`.
Buffer channel_values(const Grid& grid, DType dtype, bool strange) {
  std::mt19937 random(12);
  std::normal_distribution<double> normal;
  std::vector<double> values(static_cast<size_t>(grid.outer * codec::slab_values(grid)));
  for (size_t i = 0; i < values.size(); ++i) {
    const int64_t c = place_of(grid, static_cast<int64_t>(i)).channel;
    double& x = values[i];
    x = normal(random) * std::exp2(static_cast<double>(c % 8) - 4) + static_cast<double>(c % 5) - 2;
    if (!strange) continue;
    if (c % 7 == 3) x = 300;
    if (c % 7 == 4) x = 0;
    if (c % 13 == 6) x = NAN;
    if (i % 777 == 3) x = i % 2 == 0 ? INFINITY : 1e4;
  }
  return floats(values, dtype);
}

// Planes, tokens, channels last, maps of one value, the most channels, more values than one block fits.
const Grid kGrids[] = {{8 * 32, {1, 14, 14}, 1, 32}, {1, {1, 1, 2100}, 37, 1},     {4, {1, 12, 13}, 48, 1},
                       {3000, {1, 1, 1}, 1, 10},     {1, {1, 1, 256}, 4096, 1},    {2, {1, 1, 256}, 1, 2},
                       {3, {3, 70, 65}, 1, 3},       {16 * 64, {1, 56, 56}, 1, 64}};

TEST_P(DitherCuda, ChannelsHaveTheSidesTheChunksAndTheValuesOfTheCpu) {
  for (const Grid& grid : kGrids)
    for (const bool strange : {false, true}) {
      const Buffer values = channel_values(grid, dtype_, strange);
      const int64_t n = values.size() / width_;
      for (const double step : {0.1, 1.0})
        for (const int64_t shift : {0, 1}) {
          SCOPED_TRACE(std::to_string(n) + " values, " + std::to_string(codec::channel_count(grid)) +
                       " channels, step " + std::to_string(step));
          const Slots wide{n, codec::kLetterGroup * width_, codec::channels_bytes(grid)};
          EXPECT_EQ(code(values, n, step, strange ? wide.payload_bytes() : 0, shift, grid).coarse, 0);
        }
    }
}

TEST_P(DitherCuda, ChannelsOfChunksThatDoNotFitAndOfOneValue) {
  const Grid grid = kGrids[0];
  const int64_t n = grid.outer * codec::slab_values(grid);
  const Slots least{n, Slots::kLeast, codec::channels_bytes(grid)};
  EXPECT_GT(code(channel_values(grid, dtype_, false), n, 0.1, least.payload_bytes(), 0, grid).coarse, 0);
  code(floats(std::vector<double>(static_cast<size_t>(n), 3.5), dtype_), n, 1.0, 0, 0, grid);
  const Coded coded = code(floats(std::vector<double>(static_cast<size_t>(n), NAN), dtype_), n, 1.0, 0, 0, grid);
  EXPECT_EQ(coded.poisoned, codec::chunk_count(n));
}

TEST_P(DitherCuda, ChannelsGiveTheSameBytesEachTime) {
  const Grid grid = kGrids[7];
  const Buffer values = channel_values(grid, dtype_, true);
  const int64_t n = values.size() / width_;
  const Coded first = code(values, n, 1.0, 0, 0, grid);
  for (int round = 0; round < 3; ++round) EXPECT_TRUE(code(values, n, 1.0, 0, 0, grid).payload == first.payload);
}

// A header that is not that of this length: NaN.
TEST_P(DitherCuda, OtherSlotsThanThePayloadsDecodeToNaN) {
  const Grid grid = kGrids[0];
  const int64_t n = grid.outer * codec::slab_values(grid);
  const Coded coded = code(channel_values(grid, dtype_, false), n, 1.0, 0, 0, grid);
  Buffer damaged(coded.payload.data(), coded.payload.size());
  damaged.data()[codec::chunks_offset(n)] = std::byte{0xff};  // positions of a map
  const DeviceBuffer payload(damaged.data(), damaged.size());
  DeviceBuffer out(n * width_);
  Counters counters;
  const auto codec = make_codec({"dither", {{"predict", std::string("channel")}}});
  codec->decode({payload.data(), static_cast<size_t>(damaged.size())}, out.data(), n, dtype_, counters.context());
  const Buffer values = fetched(out);
  for (int64_t i = 0; i < n; ++i) ASSERT_TRUE(std::isnan(float_at(values.data(), i, dtype_))) << i;
}

// No index may be narrower than 64 bits: values of two signs, less than half a step from what they become.
TEST_P(DitherCuda, ValuesBeyondTwoToThe31KeepTheirSigns) {
  if (dtype_ != DType::kBFloat16) return;  // one type is enough
  const LargeRow row{{"dither", {}}, dtype_, 0xBF80, 0x3F80, {}};
  const auto period = period_of(row, width_);
  const int64_t bytes = kNumel * width_;
  const Bytes data = allocate(bytes);
  repeat(period, data.get(), bytes);
  const DeviceBuffer in(data.get(), bytes), out(bytes);
  const Extent extent{in.data(), kNumel, dtype_};
  const Bytes decoded = allocate(bytes);
  const auto *before = reinterpret_cast<const uint16_t*>(data.get()),
             *after = reinterpret_cast<const uint16_t*>(decoded.get());
  static_assert(kNumel % 3 == 0);
  for (const std::optional<Grid>& channels : {std::optional<Grid>(), std::optional(Grid{3, {1, 1, kNumel / 3}, 1, 3}),
                                              std::optional(Grid{1, {1, 1, kNumel / 3}, 3, 1})}) {
    const std::string predict = channels ? "channel" : "none";
    const auto codec = make_codec({"dither", {{"predict", predict}}});
    SideInfo side;
    side.grid = channels;
    Counters counters;
    const CodecContext on_gpu = counters.context();
    const DeviceBuffer payload(*codec->measure(extent, side, on_gpu));
    const std::span<std::byte> room{payload.data(), static_cast<size_t>(payload.size())};
    ASSERT_EQ(codec->encode(extent, side, room, on_gpu), payload.size());
    codec->decode(room, out.data(), kNumel, dtype_, on_gpu);
    counters.fetch();
    EXPECT_EQ(counters.found[1], 0u);
    out.copy_to(decoded.get());
    for (int64_t i = 0; i < kNumel; ++i)
      ASSERT_TRUE(((before[i] ^ after[i]) & 0x8000) == 0 && (after[i] & 0x7fff) > 0) << predict << ", value " << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Types, DitherCuda, ::testing::ValuesIn(kFloats),
                         [](const auto& info) { return std::string(to_string(info.param)); });

}  // namespace
}  // namespace cinch::testing
