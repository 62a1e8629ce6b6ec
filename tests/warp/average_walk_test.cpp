// group_quant with average_bits as the kernels do it, walked through on the CPU: byte for byte the CPU's payload.
#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <random>

#include "src/codec/fixed_rate/block_widths.h"
#include "src/codec/fixed_rate/warp_mixed.h"
#include "src/codec/stage/element_type.h"
#include "tests/contract/support.h"
#include "tests/warp/walk.h"

namespace cinch::testing {
namespace {

using namespace cinch::codec;

using AllotHostBlock = HostBlock<512>;
using AllotRoom = AllotMemory<AllotHostBlock::kThreads>;

struct Case {
  double bits;
  bool nearest;
  DType dtype;
};

std::shared_ptr<const Codec> codec_of(const Case& c) {
  return make_codec(
      {"group_quant", {{"average_bits", c.bits}, {"rounding", std::string(c.nearest ? "nearest" : "stochastic")}}});
}

// Groups of many scales; some are constant, some alike, some have but one sign.
Buffer activations(int64_t n, DType dtype, uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal(0.3, 2.0);
  std::vector<double> values(static_cast<size_t>(n));
  for (size_t i = 0; i < values.size(); ++i) {
    const size_t group = i / 256;
    values[i] = normal(random) * std::pow(1.7, static_cast<double>(group * 5 % 11) - 4.0);
    if (group % 3 == 1) values[i] = std::max(values[i], 0.0);  // as a ReLU leaves them
    if (group % 7 == 3) values[i] = -0.0;
    if (group % 7 == 5) values[i] = i % 2 == 0 ? -0.25 : 0.5;
    if (group % 13 == 4) values[i] = 1e-30 * static_cast<double>(i % 256);
  }
  return floats(values, dtype);
}

// A kernel's launches, one after the other. `spread`: as of a tensor with more groups than one block counts.
template <class T>
Buffer walk_encode(const Buffer& data, int64_t n, const Case& c, uint64_t key, const Buffer& reference, bool spread,
                   uint32_t* poisoned, int64_t blocks = 3) {
  const AverageLayout l = AverageLayout::of(n, c.bits);
  Buffer out(reference.data(), reference.size());
  // Only header and gap are the reference's.
  const int64_t widths_end = l.widths_at + ceil_div(l.groups, kWidthsOfByte);
  std::memset(out.data() + kHeaderBytes, 0x5a, static_cast<size_t>(widths_end - kHeaderBytes));
  std::memset(out.data() + l.codes_at, 0x5a, static_cast<size_t>(l.bytes - l.codes_at));
  const WrittenSections to(out.data(), l);
  std::vector<uint32_t> counts(static_cast<size_t>(spread ? RangeCounts<1>::kWords : 0));
  std::vector<ChunkSums> sums(static_cast<size_t>(l.chunks));
  const TensorSource<T> source{reinterpret_cast<const T*>(data.data()), n};
  const MeasureJob<T> measured{source, to.sides, {spread ? counts.data() : nullptr}, poisoned};
  walk(encoding_pieces<T>(n), blocks, 0, [&](const HostWarp& w, int64_t piece) { measure_piece(w, measured, piece); });

  const auto room = std::make_unique<AllotRoom>();
  std::memset(static_cast<void*>(room.get()), 0xa5, sizeof(AllotRoom));
  const WidthsJob widths{to, l.groups, room->thresholds, sums.data()};
  if (spread) {
    const RangeCounts<1> all{counts.data()};
    add_up_counts(AllotHostBlock{}, all, room->counts.sums);
    find_thresholds_of_block(AllotHostBlock{}, all, l.units, room->thresholds);
    walk(l.chunks, blocks, 0, [&](const HostWarp& w, int64_t chunk) { sum_up_chunk(w, widths, chunk); });
    add_up_chunks(AllotHostBlock{}, sums.data(), l.chunks, room->chunks);
    walk(l.chunks, blocks, 0, [&](const HostWarp& w, int64_t chunk) { put_widths(w, widths, chunk); });
  } else {
    allot_by_one_block(AllotHostBlock{}, widths, l.units, *room);
  }

  const MixedEncodeJob<T> job{source, key, to};
  constexpr int kWarps = 8;
  walk(blocks * kWarps, blocks, kMixedScratchWords,
       [&](const HostWarp& w, int64_t warp) { clear_rest(w, to, l.groups, l.units, warp, blocks * kWarps); });
  walk(mixed_parts(l.groups), blocks, kMixedScratchWords, [&](const HostWarp& w, int64_t part) {
    c.nearest ? encode_part<true>(w, job, part) : encode_part<false>(w, job, part);
  });
  EXPECT_TRUE(out.intact());
  return out;
}

Buffer walk_decode(const Buffer& payload, int64_t n, const Case& c) {
  Buffer out(n * dtype_bytes(c.dtype));
  with_element_type(c.dtype, [&](auto zero) {
    using T = decltype(zero);
    const AverageLayout l = AverageLayout::of(n, c.bits);
    const MixedDecodeJob<T> job{ReadSections(payload.data(), l), n, l.units, reinterpret_cast<T*>(out.data())};
    walk(mixed_parts(l.groups), 2, kPartGroups, [&](const HostWarp& w, int64_t part) { decode_part(w, job, part); });
  });
  EXPECT_TRUE(out.intact());
  return out;
}

class AverageWalk : public ::testing::TestWithParam<Case> {
 protected:
  void TearDown() override { backwards = false; }

  Buffer encoded(const Buffer& data, int64_t n, const Buffer& reference, bool spread, uint32_t* poisoned) const {
    std::optional<Buffer> out;
    with_element_type(case_.dtype, [&](auto zero) {
      out = walk_encode<decltype(zero)>(data, n, case_, rng_key(context_, kAverageMagic), reference, spread, poisoned);
    });
    return *out;
  }
  std::optional<Buffer> expected(const Buffer& data, int64_t n) const {
    return encode(*codec_, {data.data(), n, case_.dtype}, {}, context_);
  }

  const CodecContext context_{11, 12, 13, &serial_executor(), nullptr};
  const Case case_ = GetParam();
  const std::shared_ptr<const Codec> codec_ = codec_of(case_);
};

const std::vector<int64_t> kLengths{1, 7, 255, 256, 257, 511, 513, 1025, 5000, 33'333, 256 * 128, 100'003, 256 * 391};

TEST_P(AverageWalk, EncodesToTheBytesOfTheCpu) {
  for (const int64_t n : kLengths)
    for (const int64_t shift : {0, 1}) {
      backwards = shift != 0;
      const Buffer values = activations(n, case_.dtype, static_cast<uint32_t>(n));
      const Buffer data(values.data(), values.size(), shift * dtype_bytes(case_.dtype));
      const auto reference = expected(data, n);
      ASSERT_TRUE(reference.has_value());
      for (const bool spread : {false, true}) {
        uint32_t poisoned = 0;
        EXPECT_TRUE(encoded(data, n, *reference, spread, &poisoned) == *reference)
            << n << " values, shifted by " << shift << (spread ? ", by many blocks" : "");
        EXPECT_EQ(poisoned, 0u);
      }
    }
}

TEST_P(AverageWalk, DecodesToTheValuesOfTheCpu) {
  for (const int64_t n : kLengths) {
    const Buffer data = activations(n, case_.dtype, static_cast<uint32_t>(n));
    const auto payload = expected(data, n);
    ASSERT_TRUE(payload.has_value());
    EXPECT_TRUE(walk_decode(*payload, n, case_) == decode(*codec_, *payload, n, case_.dtype, context_))
        << n << " values";
  }
}

// The CPU codec declines such a tensor. Here its group has no codes, and the others have what they would have without.
TEST_P(AverageWalk, PoisonsGroupsThatCannotBeCoded) {
  const int64_t n = 256 * 9 + 17;
  for (const double bad : {double{NAN}, -double{NAN}, double{INFINITY}, -double{INFINITY}, 0x1p118, -0x1p118}) {
    if (case_.dtype == DType::kFloat16 && std::fabs(bad) == 0x1p118) continue;  // is infinite there
    std::vector<double> values(static_cast<size_t>(n));
    for (size_t i = 0; i < values.size(); ++i) values[i] = std::sin(static_cast<double>(i)) * std::exp2(i / 256);
    std::vector<double> constant = values;
    for (size_t i = 256; i < 512; ++i) constant[i] = 0;
    values[300] = bad;
    values.back() = bad;
    for (size_t i = 256 * 9; i < values.size(); ++i) constant[i] = 0;
    const Buffer data = floats(values, case_.dtype), without = floats(constant, case_.dtype);
    const auto reference = expected(without, n);
    ASSERT_TRUE(reference.has_value());
    EXPECT_FALSE(expected(data, n).has_value());
    uint32_t poisoned = 0;
    const Buffer payload = encoded(data, n, *reference, false, &poisoned);
    EXPECT_EQ(poisoned, 2u);
    const Buffer out = walk_decode(payload, n, case_), others = walk_decode(*reference, n, case_);
    for (int64_t i = 0; i < n; ++i) {
      const double x = float_at(out.data(), i, case_.dtype);
      if (i / 256 == 1 || i / 256 == 9)
        ASSERT_TRUE(std::isnan(x)) << i;
      else
        ASSERT_EQ(x, float_at(others.data(), i, case_.dtype)) << i;
    }
  }
}

// What the CPU refuses: the chunk decodes to NaN, and nothing outside of the codes is read.
TEST_P(AverageWalk, ChunksThatDoNotFitBecomeNaN) {
  const int64_t n = 256 * 300;
  const Buffer data = activations(n, case_.dtype, 11);
  const Buffer payload = *expected(data, n);
  const Buffer good = walk_decode(payload, n, case_);
  const AverageLayout l = AverageLayout::of(n, case_.bits);
  for (const int64_t offset : {int64_t{-1}, int64_t{1} << 40, std::numeric_limits<int64_t>::min(),
                               std::numeric_limits<int64_t>::max(), l.units + 1}) {
    Buffer damaged(payload.data(), payload.size());
    std::memcpy(damaged.data() + AverageLayout::offsets_at() + 8, &offset, sizeof offset);
    const Buffer out = walk_decode(damaged, n, case_);
    for (int64_t i = 0; i < n; ++i) {
      const double x = float_at(out.data(), i, case_.dtype);
      // The chunk before ends where this one does not begin.
      if (i < 256 * 256)
        ASSERT_TRUE(std::isnan(x)) << i;
      else
        ASSERT_EQ(x, float_at(good.data(), i, case_.dtype)) << i;
    }
  }
  Buffer damaged(payload.data(), payload.size());
  std::memset(damaged.data() + l.widths_at, 0xff, static_cast<size_t>(l.groups / kWidthsOfByte));
  walk_decode(damaged, n, case_);
}

std::vector<Case> all_cases() {
  std::vector<Case> cases;
  for (const double bits : {1.0, 2.0, 2.5, 4.0, 8.0})
    for (const bool nearest : {false, true})
      for (const DType dtype : {DType::kFloat32, DType::kBFloat16, DType::kFloat16})
        cases.push_back({bits, nearest, dtype});
  return cases;
}

INSTANTIATE_TEST_SUITE_P(Cases, AverageWalk, ::testing::ValuesIn(all_cases()), [](const auto& info) {
  return std::to_string(static_cast<int>(info.param.bits * 10)) + "_tenths" +
         (info.param.nearest ? "_nearest_" : "_stochastic_") + std::string(to_string(info.param.dtype));
});

// More groups than one block counts, and ranges from end to end.
TEST(AverageWalkOfManyGroups, EncodesToTheBytesOfTheCpu) {
  const int64_t n = 256 * (kGroupsOfOneBlock + 300) + 5;
  const CodecContext context{1, 2, 3, &serial_executor(), nullptr};
  std::vector<float> values(static_cast<size_t>(n));
  std::mt19937 random(5);
  for (size_t i = 0, group = 0; i < values.size(); ++i) {
    if (i % 256 == 0) group = random();
    const int exponent = group % 4 == 0 ? static_cast<int>(group / 4 % 209) - 92 : static_cast<int>(group / 4 % 3);
    values[i] = std::ldexp(static_cast<float>(random() % 1000) / 1000.0f, exponent);
  }
  const Buffer data(values.data(), n * 4);
  for (const double bits : {1.3, 4.7}) {
    const Case c{bits, false, DType::kFloat32};
    const auto reference = encode(*codec_of(c), {data.data(), n, c.dtype}, {}, context);
    ASSERT_TRUE(reference.has_value());
    const Buffer out = walk_encode<float>(data, n, c, rng_key(context, kAverageMagic), *reference, true, nullptr, 40);
    EXPECT_TRUE(out == *reference) << bits;
  }
}

}  // namespace
}  // namespace cinch::testing
