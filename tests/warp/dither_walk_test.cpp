// dither's kernels walked through on the CPU: chunk by chunk the bytes of the CPU codec, and its values.
#include <cmath>
#include <random>

#include "cinch/error.h"
#include "src/codec/entropy_coded/prefix_code.h"
#include "tests/contract/rows.h"
#include "tests/warp/dither_walk.h"
#include "tests/warp/slot_chunks.h"

namespace cinch::testing {
namespace {

using namespace cinch::codec;

const CodecContext kContext{7, 8, 9, &serial_executor(), nullptr};
uint64_t key() { return rng_key(kContext, kEntropyMagic); }
std::shared_ptr<const Codec> dither(double step) { return make_codec({"dither", {{"step_sigma", step}}}); }
constexpr DType kFloats[] = {DType::kFloat32, DType::kBFloat16, DType::kFloat16};

// Slots in which every chunk fits.
Slots wide(int64_t n, DType dtype) { return {n, kLetterGroup * dtype_bytes(dtype)}; }

bool same_or_nan(const Buffer& a, const Buffer& b, int64_t n, DType dtype) {
  for (int64_t i = 0; i < n; ++i) {
    const double x = float_at(a.data(), i, dtype), y = float_at(b.data(), i, dtype);
    if (!(x == y && std::signbit(x) == std::signbit(y)) && !(std::isnan(x) && std::isnan(y))) {
      ADD_FAILURE() << "value " << i << " of " << n << ": " << x << " and " << y;
      return false;
    }
  }
  return true;
}

// The walk's payload is the CPU's chunk by chunk, and both decode it, and the CPU's, to the same. Returns how many
// chunks are coarser than the CPU's.
int64_t expect_walks(const Extent& in, double step, const WalkOptions& options, Counted* counted = nullptr) {
  const auto codec = dither(step);
  const auto packed = encode(*codec, in, {}, kContext);
  EXPECT_TRUE(packed.has_value());
  if (!packed) return -1;
  WalkOptions with_step = options;
  with_step.step_sigma = step;
  const Buffer payload = walk_dither_encode(in, with_step, key(), counted);
  const int64_t coarse = expect_same_chunks(payload, *packed);
  const Buffer walked = walk_dither_decode(payload, in.numel, in.dtype);
  const Buffer decoded = decode(*codec, payload, in.numel, in.dtype, kContext);
  EXPECT_TRUE(same_or_nan(walked, decoded, in.numel, in.dtype));
  if (coarse == 0) {
    EXPECT_TRUE(walked == decode(*codec, *packed, in.numel, in.dtype, kContext));
  }
  return coarse;
}

TEST(DitherWalk, HasTheBytesOfTheCpuAndItsValues) {
  for (const DType dtype : kFloats)
    for (const double step : {0.05, 0.3, 1.0, 2.0, 8.0})
      for (const bool relu : {false, true})
        for (const int64_t n : {1, 7, 64, 255, 256, 257, 512, 1000, 4099, 32'768, 32'769, 70'000, 100'003}) {
          SCOPED_TRACE(std::to_string(n) + " values, step " + std::to_string(step) + ", " +
                       std::string(to_string(dtype)));
          const Buffer data = activations(n, static_cast<uint32_t>(n), dtype, relu);
          EXPECT_EQ(expect_walks({data.data(), n, dtype}, step, {step, false, wide(n, dtype)}), 0);
          if (::testing::Test::HasFailure()) return;
        }
}

TEST(DitherWalk, ManyBlocksFitAsOneDoes) {
  for (const DType dtype : kFloats)
    for (const int64_t n : {300'007, 2'500'003}) {
      const Buffer data = activations(n, 3, dtype, n == 300'007);
      EXPECT_EQ(expect_walks({data.data(), n, dtype}, 1.0, {1.0, true, wide(n, dtype)}), 0);
      EXPECT_EQ(expect_walks({data.data(), n, dtype}, 0.1, {0.1, n < 1'000'000, wide(n, dtype)}), 0);
    }
}

TEST(DitherWalk, DefaultSlotsHoldWhatTheCodecIsMadeFor) {
  for (const DType dtype : kFloats)
    for (const double step : {0.03125, 0.2, 0.6, 1.0, 1.4, 2.0, 4.0})
      for (const bool relu : {false, true})
        for (const int64_t n : {1, 300, 5000, 100'003, 400'000}) {
          const Buffer data = activations(n, 5, dtype, relu);
          const auto codec = dither(step);
          CodecContext on_gpu = kContext;
          on_gpu.device = DeviceKind::kCuda;
          const auto room = codec->measure({data.data(), n, dtype}, {}, on_gpu);
          ASSERT_LE(*room, codec->payload_bound(n, dtype, {}));
          const Slots slots = slots_of(*room, n);
          ASSERT_EQ(slots.payload_bytes(), *room);
          EXPECT_EQ(expect_walks({data.data(), n, dtype}, step, {step, false, slots}), 0)
              << n << " values, step " << step << ", " << to_string(dtype) << (relu ? ", relu" : "");
        }
}

// Values that no symbol holds, letters that the sample has not seen, special values, tensors not aligned to runs.
TEST(DitherWalk, LiteralsRawValuesAndVerbatimChunks) {
  std::mt19937 random(11);
  std::normal_distribution<double> normal(0, 1);
  std::cauchy_distribution<double> cauchy(0, 1);
  const int64_t n = 32'768 * 3 + 777;
  for (const DType dtype : kFloats)
    for (const int kind : {0, 1, 2, 3, 4})
      for (const int64_t shift : {0, 1, 3}) {
        std::vector<double> values(static_cast<size_t>(n));
        for (size_t i = 0; i < values.size(); ++i) {
          double& x = values[i];
          x = normal(random);
          if (kind == 1) x = cauchy(random);
          if (kind == 2 && i % 1000 == 7) x = 1e3;
          if (kind == 2 && i % 777 == 3) x = i % 2 == 0 ? INFINITY : NAN;
          if (kind == 3 && i >= 32'768 && i < 65'536) x *= 1e4;  // nothing of this chunk has a symbol
          if (kind == 4) x = 100 + 0.01 * x;
        }
        const Buffer plain = floats(values, dtype);
        const Buffer data(plain.data(), plain.size(), shift * dtype_bytes(dtype));
        for (const double step : {0.1, 1.0}) {
          SCOPED_TRACE("kind " + std::to_string(kind) + ", step " + std::to_string(step) + ", " +
                       std::string(to_string(dtype)));
          EXPECT_EQ(expect_walks({data.data(), n, dtype}, step, {step, shift == 1, wide(n, dtype)}), 0);
        }
      }
}

TEST(DitherWalk, ConstantsAndEmptyTensors) {
  for (const DType dtype : kFloats)
    for (const double value : {0.0, -0.0, 3.5, -1e4})
      for (const int64_t n : {1, 300, 40'000}) {
        const Buffer data = floats(std::vector<double>(static_cast<size_t>(n), value), dtype);
        EXPECT_EQ(expect_walks({data.data(), n, dtype}, 1.0, {1.0, n == 300, wide(n, dtype)}), 0);
      }
  const Buffer payload = walk_dither_encode({nullptr, 0, DType::kFloat32}, {1.0, false, Slots{0, 0}}, key());
  EXPECT_EQ(decode(*dither(1.0), payload, 0, DType::kFloat32, kContext).size(), 0);
}

// Chunks that do not fit: levels of each group's own, zeros and the sign of nothing else kept, no mean error.
TEST(DitherWalk, ChunksThatDoNotFitBecomeCoarser) {
  const int64_t n = 32'768 * 3 + 1000;
  for (const DType dtype : kFloats)
    for (const int64_t group_bytes : {Slots::kLeast, coarse_group_bytes(4), coarse_group_bytes(8)}) {
      std::mt19937 random(5);
      std::normal_distribution<double> normal(0, 1);
      std::vector<double> values(static_cast<size_t>(n));
      for (size_t i = 0; i < values.size(); ++i) values[i] = i % 3 == 0 ? 0.0 : normal(random);
      const Buffer data = floats(values, dtype);
      Counted counted;
      const double step = group_bytes == Slots::kLeast ? 0.5 : group_bytes == coarse_group_bytes(4) ? 0.1 : 1.0 / 32;
      const Slots slots{n, group_bytes};
      const int64_t coarse = expect_walks({data.data(), n, dtype}, step, {step, false, slots}, &counted);
      EXPECT_EQ(counted.coarsened, coarse);
      EXPECT_EQ(counted.poisoned, 0u);
      if (group_bytes == coarse_group_bytes(8)) continue;  // most of these fit
      EXPECT_GT(coarse, 0);
      const Buffer out =
          walk_dither_decode(walk_dither_encode({data.data(), n, dtype}, {step, false, slots}, key()), n, dtype);
      const double widest = 8.0 / (group_bytes == Slots::kLeast ? 2 : 14);
      double sum = 0;
      for (int64_t i = 0; i < n; ++i) {
        const double x = float_at(data.data(), i, dtype), y = float_at(out.data(), i, dtype);
        sum += y - x;
        ASSERT_LE(std::abs(x - y), widest) << i;
        if (dither(step)->keeps_zeros(dtype)) {
          ASSERT_EQ(x == 0, y == 0) << i;
        }
      }
      EXPECT_LT(std::abs(sum / static_cast<double>(n)), 0.01);
    }
}

TEST(DitherWalk, EveryWidthOfTheCoarserFormOfHardValues) {
  const int64_t n = 32'768 + 999;
  for (const DType dtype : kFloats)
    for (const int64_t group_bytes : {int64_t{68}, int64_t{132}, int64_t{260}}) {
      std::mt19937 random(6);
      std::normal_distribution<double> normal(0, 1);
      std::vector<double> values(static_cast<size_t>(n));
      // A step that is far too fine for slots of this size.
      for (double& x : values) x = normal(random);
      values[300] = NAN, values[1000] = INFINITY, values[1001] = 0, values[5000] = -3, values[5001] = 3;
      const Buffer data = floats(values, dtype);
      Counted counted;
      const int64_t coarse =
          expect_walks({data.data(), n, dtype}, 1.0 / 32, {1.0, false, Slots{n, group_bytes}}, &counted);
      EXPECT_EQ(coarse, counted.coarsened);
      if (group_bytes == 260) continue;  // which is more than these take
      EXPECT_EQ(coarse, 2) << group_bytes;
      EXPECT_EQ(counted.poisoned, 2u);  // groups 1 and 3
      const Buffer payload =
          walk_dither_encode({data.data(), n, dtype}, {1.0 / 32, false, Slots{n, group_bytes}}, key());
      const Buffer out = walk_dither_decode(payload, n, dtype);
      for (int64_t i = 256; i < 1024; ++i) {
        if (i / 256 == 2) continue;
        ASSERT_EQ(std::isnan(float_at(out.data(), i, dtype)), values[static_cast<size_t>(i)] != 0) << i;
      }
    }
}

TEST(DitherWalk, WhatTheCpuDeclinesDecodesToNaNAndIsCounted) {
  for (const DType dtype : kFloats)
    for (const double value : {double{NAN}, double{INFINITY}, 1e35}) {
      if (dtype == DType::kFloat16 && value == 1e35) continue;
      const int64_t n = 70'000;
      std::vector<double> values(static_cast<size_t>(n), value);
      // Their deviation is beyond what steps may be.
      if (value == 1e35) std::fill_n(values.begin(), n / 2, -value);
      const Buffer data = floats(values, dtype);
      EXPECT_EQ(dither(1.0)->measure({data.data(), n, dtype}, {}, kContext), std::nullopt);
      for (const bool spread : {false, true}) {
        Counted counted;
        const Buffer payload =
            walk_dither_encode({data.data(), n, dtype}, {1.0, spread, wide(n, dtype)}, key(), &counted);
        EXPECT_EQ(counted.poisoned, 3u);
        const Buffer walked = walk_dither_decode(payload, n, dtype);
        EXPECT_TRUE(walked == decode(*dither(1.0), payload, n, dtype, kContext));
        for (int64_t i = 0; i < n; ++i) ASSERT_TRUE(std::isnan(float_at(walked.data(), i, dtype)));
      }
    }
}

TEST(DitherWalk, LengthsAndTablesAreThoseOfThePrefixCode) {
  std::mt19937 random(3);
  const ChunkHostBlock block;
  for (int round = 0; round < 200; ++round) {
    std::array<uint32_t, kLetters> counts{};
    const int letters = 1 + static_cast<int>(random() % kLetters);
    for (int i = 0; i < letters; ++i) {
      const uint32_t scale = 1u << random() % (round % 28 + 1);
      counts[random() % kLetters] = 1 + random() % scale;
    }
    const CodeLengths expected = code_lengths(counts);
    const auto merge = block_memory<MergeMemory>();
    uint32_t lengths[kLetters];
    make_lengths(block, counts.data(), *merge, lengths);
    for (int i = 0; i < kLetters; ++i) ASSERT_EQ(lengths[i], expected[static_cast<size_t>(i)]) << "letter " << i;
    uint32_t words[kLengthWords];
    store_lengths(expected, reinterpret_cast<std::byte*>(words));
    const auto literal = static_cast<uint8_t>(std::max_element(counts.begin(), counts.end()) - counts.begin());
    const CodeTable table(expected, literal);
    uint32_t entries[kLetters];
    const auto code = block_memory<CodeMemory>();
    make_code_table(block, words, literal, *code, entries);
    for (size_t i = 0; i < kLetters; ++i) ASSERT_EQ(entries[i], table.entries[i]) << "letter " << i;
    const DecodeTable decode(expected);
    const auto making = block_memory<DecodeMemory>();
    std::vector<uint32_t> decode_entries(kWindow);
    make_decode_table(block, words, *making, decode_entries.data());
    for (size_t bits = 0; bits < kWindow; ++bits) {
      const DecodeTable::Entry& all = decode.entries[bits];
      const uint32_t word = decode_entries[bits], count = word >> 28;
      ASSERT_EQ(count, std::min<uint32_t>(all.count, kLettersInWord));
      for (uint32_t i = 0; i < count; ++i) ASSERT_EQ(word >> 8 * i & 0xff, all.letters[i]);
      if (count < 3) {
        ASSERT_EQ(word >> 24 & 15, all.bits);
      }
    }
  }
}

// A missing sync() would show: what one thread writes and another one reads would be there or not.
TEST(DitherWalk, NothingDependsOnTheOrderOfThreads) {
  const int64_t n = 100'003;
  for (const DType dtype : kFloats)
    for (const double step : {0.05, 0.4, 1.0})
      for (const int64_t group_bytes : {int64_t{68}, int64_t{100}, kLetterGroup * dtype_bytes(dtype)})
        for (const bool spread : {false, true}) {
          Buffer data = activations(n, 8, dtype, false);
          const Buffer strange = floats({1e3, NAN, -1e3, INFINITY}, dtype);
          std::memcpy(data.data() + 50'000 * dtype_bytes(dtype), strange.data(), static_cast<size_t>(strange.size()));
          const Extent in{data.data(), n, dtype};
          const WalkOptions options{step, spread, {n, group_bytes}};
          const Buffer payload = walk_dither_encode(in, options, key()), values = walk_dither_decode(payload, n, dtype);
          backwards = true;
          const bool same = walk_dither_encode(in, options, key()) == payload;
          const bool same_values = walk_dither_decode(payload, n, dtype) == values;
          backwards = false;
          EXPECT_TRUE(same) << "step " << step << ", " << group_bytes << " bytes a group";
          EXPECT_TRUE(same_values) << "step " << step << ", " << group_bytes << " bytes a group";
        }
}

}  // namespace
}  // namespace cinch::testing
