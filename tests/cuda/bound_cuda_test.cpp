// error_bound, and dither where neighbours predict, on the GPU: chunk by chunk the bytes of the CPU, and its values.
// Skipped, and counted, without a GPU.
#include <gtest/gtest.h>

#include <cmath>

#include "src/backend/cuda/device_buffer.h"
#include "src/backend/cuda/runtime.h"
#include "tests/codec/entropy_coded/error_bound_support.h"
#include "tests/warp/bound_walk_cases.h"
#include "tests/warp/walk_grids.h"

namespace cinch::testing {
namespace {

using backend::DeviceBuffer;
using codec::BoundUnit;
using codec::Predict;
using codec::Slots;

struct Coded {
  Buffer payload, values;
  int64_t others = 0;  // chunks of another form than the CPU's
  uint32_t poisoned = 0, coarsened = 0;
};

class BoundCuda : public ::testing::TestWithParam<DType> {
 protected:
  void SetUp() override {
    if (backend::cuda_device_count() == 0) GTEST_SKIP() << backend::cuda_problem();
    if (!backend::cuda_built()) GTEST_SKIP() << "needs kernels";
  }
  const DType dtype_ = GetParam();
  const int64_t width_ = dtype_bytes(dtype_);

  // Codes and decodes on the GPU and compares with the CPU. `shift`: values by which the tensor is not aligned.
  Coded code(const Buffer& values, int64_t n, const SideInfo& side, const BoundCase& c, int64_t shift = 0) {
    const auto codec = c.codec();
    const uint32_t zeros[2] = {0, 0};
    uint32_t found[2];
    DeviceBuffer counters(zeros, sizeof zeros);
    CodecContext on_gpu = kBoundContext;
    on_gpu.device = DeviceKind::kCuda;
    on_gpu.poisoned = reinterpret_cast<uint32_t*>(counters.data());
    on_gpu.coarsened = on_gpu.poisoned + 1;
    Buffer shifted((n + shift) * width_);
    std::memcpy(shifted.data() + shift * width_, values.data(), static_cast<size_t>(n * width_));
    const DeviceBuffer in(shifted.data(), shifted.size());
    const Extent on_device{in.data() + shift * width_, n, dtype_};
    // No more room than is asked for is used.
    const int64_t room = std::min(c.slots(n, dtype_).payload_bytes(), *codec->measure(on_device, side, on_gpu));
    DeviceBuffer payload(room), out(n * width_);
    const auto bytes = codec->encode(on_device, side, {payload.data(), static_cast<size_t>(room)}, on_gpu);
    EXPECT_TRUE(bytes.has_value() && *bytes <= room);
    codec->decode({payload.data(), static_cast<size_t>(*bytes)}, out.data(), n, dtype_, on_gpu);
    counters.copy_to(found);
    Buffer all(room), decoded(n * width_);
    payload.copy_to(all.data());
    out.copy_to(decoded.data());
    Coded coded{Buffer(all.data(), *bytes), decoded, 0, found[0], found[1]};
    const auto packed = encode(*codec, {values.data(), n, dtype_}, side, kBoundContext);
    if (packed) coded.others = expect_same_bound_chunks(coded.payload, *packed);
    EXPECT_TRUE(same_values_or_nan(coded.values, decode(*codec, coded.payload, n, dtype_, kBoundContext), n, dtype_));
    return coded;
  }
};

TEST_P(BoundCuda, HasTheChunksAndTheValuesOfTheCpu) {
  for (const BoundCase& c : {BoundCase{0.01, BoundUnit::kRange, Predict::kNone},
                             {0.01, BoundUnit::kRange},
                             {0.1, BoundUnit::kAbsolute, Predict::kLorenzo},
                             {0.5, BoundUnit::kDeviation, Predict::kAuto, true}})
    for (const bool relu : {false, true})
      for (const int64_t n : {1, 7, 255, 256, 257, 4099, 32'768, 100'003, 1'048'576, 5'000'011})
        for (const int64_t shift : {0, 1}) {
          if (shift > 0 && n > 200'000) continue;
          SCOPED_TRACE(c.text() + ", " + std::to_string(n) + " values");
          const Coded coded = code(activations(n, static_cast<uint32_t>(n), dtype_, relu), n, {}, c, shift);
          EXPECT_EQ(coded.others, 0);
          EXPECT_EQ(coded.poisoned, 0u);
        }
}

TEST_P(BoundCuda, NeighboursAlongEverySideOfGrids) {
  std::vector<Grid> grids = walk_grids();
  grids.push_back({64, {1, 224, 224}, 1, 64});
  grids.push_back({8, {1, 56, 56}, 64, 1});
  for (const Grid& grid : grids)
    for (const bool dithered : {false, true}) {
      const int64_t n = grid.outer * codec::slab_values(grid);
      std::vector<double> values = normal(n, 0.3);
      for (size_t i = 1; i < values.size(); ++i) values[i] = 0.9 * values[i - 1] + 0.2 * values[i];
      SideInfo side;
      side.grid = grid;
      const BoundCase c = dithered ? BoundCase{0.3, BoundUnit::kDeviation, Predict::kAuto, true}
                                   : BoundCase{0.02, BoundUnit::kRange, Predict::kLorenzo};
      SCOPED_TRACE(c.text() + ", " + std::to_string(n) + " values");
      code(floats(values, dtype_), n, side, c);
    }
}

TEST_P(BoundCuda, MissedValuesAndVerbatimChunks) {
  const int64_t n = 32'768 * 40 + 777;
  for (const int kind : {0, 1, 2}) {
    std::vector<double> values = normal(n);
    for (size_t i = 0; i < values.size(); ++i) {
      if (kind == 0 && i % 777 == 3) values[i] = i % 2 == 0 ? kInfinity : NAN;
      if (kind == 1 && i >= 32'768 && i < 65'536) values[i] *= 1e4;
      if (kind == 2 && i % 500 == 0) values[i] = i % 1000 == 0 ? 0.0 : -0.0;
    }
    const Coded coded = code(floats(values, dtype_), n, {}, {0.05, BoundUnit::kAbsolute, Predict::kNone});
    EXPECT_EQ(coded.others, 0);
    EXPECT_EQ(coded.poisoned, 0u);
  }
}

// The plain form keeps the bound; what no form holds is NaN and counted.
TEST_P(BoundCuda, ShortSlots) {
  const int64_t n = 32'768 * 40 + 1000;
  const Buffer values = activations(n, 3, dtype_, false);
  for (const int64_t group_bytes : {Slots::kLeast, int64_t{200}, int64_t{264}}) {
    const BoundCase c{0.02, BoundUnit::kAbsolute, Predict::kLorenzo, false, false, group_bytes};
    const Coded coded = code(values, n, {}, c);
    EXPECT_EQ(coded.coarsened, 0u);
    int64_t lost = 0;
    for (int64_t i = 0; i < n; ++i) {
      const double x = float_at(values.data(), i, dtype_), y = float_at(coded.values.data(), i, dtype_);
      if (std::isnan(y)) {
        lost += i % codec::kValuesOfChunk == 0 ? 1 : 0;
      } else {
        ASSERT_LE(std::abs(x - y), 0.02) << i;
      }
    }
    EXPECT_EQ(coded.poisoned, lost);
    if (group_bytes == Slots::kLeast) {
      EXPECT_EQ(lost, codec::chunk_count(n));
    }
  }
}

TEST_P(BoundCuda, DitherBecomesCoarserAndIsCounted) {
  const int64_t n = 32'768 * 40;
  const BoundCase c{0.05, BoundUnit::kDeviation, Predict::kAuto, true, false, Slots::kLeast};
  const Coded coded = code(activations(n, 3, dtype_, true), n, {}, c);
  EXPECT_EQ(coded.coarsened, 40u);
  EXPECT_EQ(coded.others, 40);
}

TEST_P(BoundCuda, GivesTheSameBytesEachTime) {
  const std::vector<double> values = smooth(60, 224);
  const auto n = static_cast<int64_t>(values.size());
  const BoundCase c{0.01, BoundUnit::kRange};
  const Buffer data = floats(values, dtype_);
  const Coded first = code(data, n, maps_of(60, 224), c);
  for (int round = 0; round < 5; ++round) EXPECT_TRUE(code(data, n, maps_of(60, 224), c).payload == first.payload);
}

INSTANTIATE_TEST_SUITE_P(Types, BoundCuda, ::testing::ValuesIn(kDTypes),
                         [](const auto& info) { return std::string(to_string(info.param)); });

}  // namespace
}  // namespace cinch::testing
