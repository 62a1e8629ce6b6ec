// Entropy beside coded bytes: cases whose entropy is known, and the symbols that the kernels themselves make.
#include "bench/symbol_entropy.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>
#include <set>

#include "bench/aligned_buffer.h"
#include "cinch/codec.h"
#include "cinch/error.h"
#include "src/codec/entropy_coded/layout.h"
#include "src/core/float16.h"

namespace cinch::bench {
namespace {

// Values in a type, their payload and what it decodes to.
struct Coded {
  AlignedBuffer in, room, out;
  int64_t numel = 0, payload_bytes = 0;
  DType dtype = DType::kFloat32;

  std::span<const std::byte> payload() const { return {room.get(), static_cast<size_t>(payload_bytes)}; }
  std::vector<int32_t> symbols() const {
    auto found = symbols_of(payload(), out.get(), numel, dtype);
    if (!found) throw Error("no symbols");
    return *found;
  }
};

AlignedBuffer in_type(const std::vector<double>& values, DType dtype) {
  AlignedBuffer out = make_aligned(static_cast<int64_t>(values.size()) * dtype_bytes(dtype));
  for (size_t i = 0; i < values.size(); ++i) {
    const auto value = static_cast<float>(values[i]);
    const uint16_t half = dtype == DType::kBFloat16 ? float_to_bf16(value) : float_to_fp16(value);
    if (dtype == DType::kFloat32) {
      std::memcpy(out.get() + 4 * i, &value, 4);
    } else {
      std::memcpy(out.get() + 2 * i, &half, 2);
    }
  }
  return out;
}

Coded code(const CodecSpec& spec, const std::vector<double>& values, const SideInfo& side = {},
           DType dtype = DType::kFloat32) {
  const auto codec = make_codec(spec);
  Coded c;
  c.numel = static_cast<int64_t>(values.size());
  c.dtype = dtype;
  c.in = in_type(values, dtype);
  const Extent in{c.in.get(), c.numel, dtype};
  const auto room_bytes = codec->measure(in, side, {});
  if (!room_bytes) throw Error("declined");
  c.room = make_aligned(*room_bytes);
  const auto bytes = codec->encode(in, side, {c.room.get(), static_cast<size_t>(*room_bytes)}, {});
  if (!bytes) throw Error("declined");
  c.payload_bytes = *bytes;
  c.out = make_aligned(c.numel * dtype_bytes(dtype));
  codec->decode(c.payload(), c.out.get(), c.numel, dtype, {});
  return c;
}

std::vector<double> normal_values(int64_t n, double sigma, double mean) {
  std::mt19937 random(3);
  std::normal_distribution<double> d(mean, sigma);
  std::vector<double> values(static_cast<size_t>(n));
  for (double& v : values) v = d(random);
  return values;
}

std::vector<int32_t> symbols(const CodecSpec& spec, const std::vector<double>& values, const SideInfo& side = {}) {
  return code(spec, values, side).symbols();
}

double bits(const std::vector<int32_t>& s) { return 8 * empirical_entropy_bytes(s) / static_cast<double>(s.size()); }

TEST(EmpiricalEntropy, IsThatOfAKnownSequence) {
  EXPECT_EQ(empirical_entropy_bytes({}), 0);
  EXPECT_EQ(empirical_entropy_bytes(std::vector<int32_t>(1000, 7)), 0);
  // Half, a quarter and two eighths: 1.75 bits each of 8.
  EXPECT_DOUBLE_EQ(empirical_entropy_bytes(std::vector<int32_t>{5, -1, 5, kZeroSymbol, 5, 5, -1, kNoLevel}), 1.75);
}

TEST(SymbolsOf, DitherOfUniformValuesHasTwoAndAQuarterBits) {
  // Over four whole steps: five levels, of which the outer ones take an eighth of the values each.
  std::mt19937 random(1);
  std::uniform_real_distribution<double> uniform(0.0, 1.0);
  std::vector<double> values(1 << 18);
  for (double& v : values) v = 1e-3 + uniform(random);
  const auto s = symbols({"dither", {{"step_sigma", std::sqrt(12.0) / 4}}}, values);
  // The step is that of a sample, the values begin a little above zero.
  EXPECT_NEAR(bits(s), 2.25, 0.02);
  EXPECT_FALSE(std::set(s.begin(), s.end()).contains(kZeroSymbol));
}

// What a letter of the kernel says of a value, or of two.
void expect_symbol(int symbol, int32_t found, const codec::Quantiser& q) {
  if (symbol == q.raw_symbol()) {
    EXPECT_TRUE(found < q.base || found >= q.base + q.symbols()) << found;
  } else {
    EXPECT_EQ(found, symbol == q.zero_symbol() ? kZeroSymbol : q.base + symbol);
  }
}

void expect_letters(const Coded& c) {
  const codec::Quantiser q =
      codec::get_quantiser(codec::read_header(c.payload(), codec::kEntropyMagic, "dither", c.numel, c.dtype));
  const std::vector<int32_t> found = c.symbols();
  std::vector<uint8_t> letters(static_cast<size_t>(c.numel));
  const int64_t groups = c.numel / codec::kLetterGroup;
  codec::values_to_letters(c.in.get(), c.dtype, groups, 0, q, letters.data());
  for (int64_t g = 0; g < groups; ++g) {
    for (int64_t i = 0; i < q.letters_of_group(); ++i) {
      const int letter = letters[static_cast<size_t>(g * q.letters_of_group() + i)];
      const auto place = static_cast<size_t>(g * codec::kLetterGroup + q.value_of(i));
      expect_symbol(q.paired ? letter & 15 : letter, found[place], q);
      if (q.paired) expect_symbol(letter >> 4, found[place + codec::Alphabet::kToOther], q);
    }
  }
}

TEST(SymbolsOf, DitherAreThoseOfItsKernel) {
  std::vector<double> values = normal_values(4096, 2.0, 0.5);
  for (size_t i = 0; i < values.size(); i += 3) values[i] = 0;
  for (const double step : {1.0, 0.06})  // two values a letter, and one
    for (const DType dtype : {DType::kFloat32, DType::kBFloat16})
      expect_letters(code({"dither", {{"step_sigma", step}}}, values, {}, dtype));
}

TEST(SymbolsOf, ErrorBoundOfFourLevelsHasTwoBits) {
  std::vector<double> values;
  for (int i = 0; i < 65536; ++i) values.push_back(10.0 + i * 7919 % 4);
  const CodecSpec spec{"error_bound", {{"bound", 0.4}, {"relative", false}, {"predict", std::string("none")}}};
  EXPECT_DOUBLE_EQ(bits(symbols(spec, values)), 2);
  // Half of the values are exact zeros instead, the others as before: a bit for which, and half of two.
  for (size_t i = 0; i < values.size(); i += 8) std::fill_n(values.begin() + static_cast<int64_t>(i), 4, 0.0);
  EXPECT_DOUBLE_EQ(bits(symbols(spec, values)), 2);
}

TEST(SymbolsOf, ErrorBoundOfPlanesAreDifferencesFromNeighbours) {
  // A plane that rises by 3 levels a column and 5 a row: but for its first row and column, no difference is left.
  const int64_t side = 32, maps = 64;
  std::vector<double> values;
  for (int64_t m = 0; m < maps; ++m)
    for (int64_t y = 0; y < side; ++y)
      for (int64_t x = 0; x < side; ++x) values.push_back(static_cast<double>(3 * x + 5 * y) - 120.25);
  SideInfo grid;
  grid.grid = Grid{maps, {1, side, side}, 1, 1};
  const CodecSpec spec{"error_bound",
                       {{"bound", 0.5 / (1 - 1.0 / 4096)}, {"relative", false}, {"predict", std::string("lorenzo")}}};
  const auto s = symbols(spec, values, grid);
  const auto zeros = std::count(s.begin(), s.end(), 0);
  EXPECT_GE(zeros, maps * (side - 1) * (side - 1) * 9 / 10) << "where the step is not quite 1, a few are off";
  EXPECT_LT(bits(s), 0.6);
  EXPECT_GT(bits(symbols({"error_bound", {{"bound", 0.5}, {"relative", false}, {"predict", std::string("none")}}},
                         values, grid)),
            6);
}

TEST(SymbolsOf, EveryMethodThatCodesSymbolsComesNearItsEntropy) {
  const int64_t n = 1 << 18;
  const auto values = normal_values(n, 1.0, 0.0);
  SideInfo grid;
  grid.grid = Grid{256, {1, 32, 32}, 1, 16};
  for (const CodecSpec& spec :
       {CodecSpec{"dither", {}}, CodecSpec{"dither", {{"predict", std::string("channel")}}},
        CodecSpec{"dither", {{"predict", std::string("lorenzo")}}}, CodecSpec{"error_bound", {{"bound", 0.03}}},
        CodecSpec{"error_bound", {{"bound", 0.03}, {"predict", std::string("lorenzo")}}}}) {
    for (const DType dtype : {DType::kFloat32, DType::kBFloat16, DType::kFloat16}) {
      const Coded c = code(spec, values, grid, dtype);
      const double ratio = static_cast<double>(c.payload_bytes) / empirical_entropy_bytes(c.symbols());
      EXPECT_GT(ratio, 0.98) << to_string(spec) << ": independent values have no fewer bytes";
      EXPECT_LT(ratio, 1.06) << to_string(spec);
    }
  }
}

TEST(SymbolsOf, OtherMethodsHaveNone) {
  const Coded c = code({"group_quant", {}}, normal_values(1024, 1.0, 0.0));
  EXPECT_FALSE(symbols_of(c.payload(), c.out.get(), c.numel, c.dtype));
  EXPECT_FALSE(symbols_of({}, c.out.get(), c.numel, c.dtype));
}

}  // namespace
}  // namespace cinch::bench
