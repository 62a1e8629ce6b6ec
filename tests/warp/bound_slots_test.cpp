// What the kernels of error_bound do where slots are short: the bound holds in whatever form there is, or NaN is
// counted.
#include "src/codec/entropy_coded/bound_slots.h"

#include <cmath>
#include <random>

#include "cinch/error.h"
#include "tests/codec/entropy_coded/error_bound_support.h"
#include "tests/warp/bound_walk_cases.h"

namespace cinch::testing {
namespace {

using namespace cinch::codec;

// Chunks that have another form than the CPU's. Every value within the bound, or of a chunk that is NaN and counted.
int64_t expect_bound(const std::vector<double>& values, DType dtype, const BoundCase& c, const SideInfo& side,
                     int64_t lost) {
  const auto n = static_cast<int64_t>(values.size());
  const Buffer data = floats(values, dtype);
  Counted counted;
  const int64_t others = expect_bound_walks({data.data(), n, dtype}, side, c, &counted);
  EXPECT_EQ(counted.poisoned, lost);
  EXPECT_EQ(counted.coarsened, 0u);
  const Buffer payload = walk_bound_encode({data.data(), n, dtype}, c.walk(side, n, dtype), bound_key());
  const Buffer out = walk_bound_decode(payload, n, dtype);
  double low = kInfinity, high = -kInfinity;
  for (int64_t i = 0; i < n; ++i) {
    const double x = float_at(data.data(), i, dtype);
    if (std::isfinite(x)) low = std::min(low, x), high = std::max(high, x);
  }
  const double bound = c.bound * (c.unit == BoundUnit::kRange ? high - low : 1);
  int64_t nan_chunks = 0;
  for (int64_t first = 0; first < n; first += kValuesOfChunk) {
    const int64_t end = std::min(n, first + kValuesOfChunk);
    bool all_nan = true;
    for (int64_t i = first; i < end; ++i) all_nan = all_nan && std::isnan(float_at(out.data(), i, dtype));
    nan_chunks += all_nan ? 1 : 0;
    for (int64_t i = first; i < end && !all_nan; ++i) {
      const double x = float_at(data.data(), i, dtype), y = float_at(out.data(), i, dtype);
      const bool good = std::isnan(x) ? std::isnan(y) : x == y || (std::fabs(x - y) <= bound && x != 0 && y != 0);
      EXPECT_TRUE(good) << c.text() << ", value " << i << ": " << x << " became " << y << ", bound " << bound;
      if (!good) return others;
    }
  }
  EXPECT_EQ(nan_chunks, lost);
  return others;
}

// Noise without neighbours, coded as if it had some: letters take more than numbers do. Special values are exact.
TEST(BoundSlots, ChunksThatDoNotFitTakeThePlainForm) {
  for (const DType dtype : kDTypes)
    for (const bool zeros : {false, true}) {
      std::mt19937 random(3);
      std::uniform_real_distribution<double> uniform(-1, 1);
      std::vector<double> values(32'768 * 3 + 77);
      for (double& x : values) x = uniform(random);
      for (size_t i = 0; i < values.size() && zeros; i += 9) values[i] = 0;
      values[300] = NAN, values[1000] = kInfinity, values[40'000] = -kInfinity, values[70'001] = -0.0;
      // 51 levels, of bfloat16 about 76.
      const int64_t room = 32 * (dtype == DType::kBFloat16 ? 7 : 6) + 6;
      BoundCase c{0.02, BoundUnit::kAbsolute, Predict::kLorenzo, false, false, room / 4 * 4};
      const int64_t plain = expect_bound(values, dtype, c, {}, 0);
      if (dtype != DType::kBFloat16) {
        EXPECT_EQ(plain, 3);
      }
      c.predict = Predict::kNone;
      EXPECT_EQ(expect_bound(values, dtype, c, {}, 0), 0);
    }
}

TEST(BoundSlots, WhatNoFormHoldsIsNaNAndCounted) {
  for (const DType dtype : kDTypes) {
    const std::vector<double> values = normal(32'768 * 2 + 500);
    const BoundCase c{0.02, BoundUnit::kAbsolute, Predict::kNone, false, false, Slots::kLeast};
    EXPECT_EQ(expect_bound(values, dtype, c, {}, 3), 3);
  }
}

// The CPU declines it; kernels store it as it is, where there is the room.
TEST(BoundSlots, WithoutLevelsChunksAreExactOrLost) {
  const int64_t n = 70'000;
  for (const DType dtype : kDTypes)
    for (const bool spread : {false, true}) {
      const Buffer data = floats(std::vector<double>(static_cast<size_t>(n), NAN), dtype);
      BoundCase c{0.01, BoundUnit::kRange};
      c.spread = spread;
      EXPECT_EQ(c.codec()->measure({data.data(), n, dtype}, {}, kBoundContext), std::nullopt);
      Counted counted;
      expect_bound_walks({data.data(), n, dtype}, {}, c, &counted);
      EXPECT_EQ(counted.poisoned, 0u);
      const Buffer payload = walk_bound_encode({data.data(), n, dtype}, c.walk({}, n, dtype), bound_key());
      EXPECT_TRUE(walk_bound_decode(payload, n, dtype) == data);
      c.group_bytes = 100;
      expect_bound_walks({data.data(), n, dtype}, {}, c, &counted);
      EXPECT_EQ(counted.poisoned, 3u);
    }
}

// Bounds that are a share of the range: no chunk of finite values is lost in the slots that measure() asks for.
TEST(BoundSlots, DefaultSlotsKeepRelativeBounds) {
  for (const DType dtype : kDTypes)
    for (const double bound : {0.001, 0.01, 0.02, 0.1, 0.4})
      for (const int kind : {0, 1, 2, 3, 4})
        for (const int64_t n : {1, 300, 5000, 100'352}) {
          std::vector<double> values = kind == 1 ? smooth(32, 56) : normal(n);
          values.resize(static_cast<size_t>(n), 0.1);
          std::mt19937 random(4);
          std::uniform_real_distribution<double> uniform(-1, 1);
          for (size_t i = 0; i < values.size(); ++i) {
            if (kind == 2) values[i] = std::max(0.0, values[i]);
            if (kind == 3) values[i] = uniform(random);
            if (kind == 4) values[i] = 30 + 3 * values[i];
          }
          BoundCase c{bound, BoundUnit::kRange};
          const auto codec = c.codec();
          CodecContext on_gpu = kBoundContext;
          on_gpu.device = DeviceKind::kCuda;
          const Buffer data = floats(values, dtype);
          const auto room = codec->measure({data.data(), n, dtype}, {}, on_gpu);
          ASSERT_LE(*room, codec->payload_bound(n, dtype, {}));
          const Slots slots = bound_slots_of(*room, n);
          ASSERT_EQ(slots.payload_bytes(), *room);
          c.group_bytes = slots.group_bytes;
          SCOPED_TRACE("kind " + std::to_string(kind) + ", " + c.text() + ", " + std::string(to_string(dtype)));
          expect_bound(values, dtype, c, kind == 1 && n == 100'352 ? maps_of(32, 56) : SideInfo{}, 0);
          if (::testing::Test::HasFailure()) return;
        }
}

// Neighbours under dither: levels of each group's own, as without neighbours.
TEST(BoundSlots, DitherBecomesCoarser) {
  const int64_t n = 32'768 * 2 + 300;
  for (const DType dtype : kDTypes) {
    const Buffer data = activations(n, 5, dtype, true);
    const BoundCase c{0.05, BoundUnit::kDeviation, Predict::kAuto, true, false, Slots::kLeast};
    Counted counted;
    EXPECT_EQ(expect_bound_walks({data.data(), n, dtype}, {}, c, &counted), 3);
    EXPECT_EQ(counted.coarsened, 3u);
    EXPECT_EQ(counted.poisoned, 0u);
  }
}

// The CPU refuses it, or finds some values.
void decode_damaged(const Codec& codec, const Buffer& payload, int64_t n, DType dtype) {
  Buffer out(n * dtype_bytes(dtype));
  try {
    codec.decode(payload.span(), out.data(), n, dtype, kBoundContext);
  } catch (const CodecError& e) {
    EXPECT_GT(std::string(e.what()).size(), 20u);
  }
  EXPECT_TRUE(out.intact());
}

// Noise in the place of a payload's body: some values, nothing outside of the output, an end.
TEST(BoundSlots, DamagedPayloadsAreHarmless) {
  std::mt19937 random(9);
  const int64_t n = 40'000;
  for (const DType dtype : kDTypes)
    for (const int64_t group_bytes : {int64_t{100}, int64_t{200}, kLetterGroup * dtype_bytes(dtype)}) {
      const Buffer data = activations(n, 1, dtype, false);
      const BoundCase c{0.01, BoundUnit::kRange, Predict::kLorenzo, false, false, group_bytes};
      const Buffer payload = walk_bound_encode({data.data(), n, dtype}, c.walk({}, n, dtype), bound_key());
      for (int64_t bytes = 0; bytes < payload.size(); bytes += 999) {
        Buffer out(n * dtype_bytes(dtype));
        EXPECT_THROW(
            c.codec()->decode(payload.span().first(static_cast<size_t>(bytes)), out.data(), n, dtype, kBoundContext),
            CodecError);
      }
      for (int round = 0; round < 40; ++round) {
        Buffer damaged(payload.data(), payload.size());
        const auto from = static_cast<uint32_t>(round % 2 == 0 ? lengths_offset() : chunks_offset(n));
        for (int k = 0; k < (round < 20 ? 40 : 20'000); ++k)
          damaged.data()[from + random() % (static_cast<uint32_t>(damaged.size()) - from)] =
              static_cast<std::byte>(random());
        walk_bound_decode(damaged, n, dtype);
        decode_damaged(*c.codec(), damaged, n, dtype);
      }
    }
}

}  // namespace
}  // namespace cinch::testing
