// Methods that give values back nearly, beyond 2^31 elements: 1 and -1 in runs, of which decoding must not mistake one
// for the other.
#include <gtest/gtest.h>

#include <cmath>

#include "src/core/float16.h"
#include "tests/codec/large_data.h"

namespace cinch::testing {
namespace {

// 40974 samples of 64 channels of 63 x 13 positions.
constexpr int64_t kSamples = 40'974, kChannels = 64, kHeight = 63, kWidth = 13;
constexpr int64_t kGridNumel = kSamples * kChannels * kHeight * kWidth;
static_assert(kGridNumel > int64_t{1} << 31);

struct NearRow {
  std::string name;
  CodecSpec spec;
  double tolerance;  // of an error; below 1
  int64_t numel = kNumel;
  SideInfo side = {};
  int64_t run = 1;  // values in a row that are the same
};
void PrintTo(const NearRow& row, std::ostream* out) { *out << row.name; }

class LargeNear : public ::testing::TestWithParam<NearRow> {
 protected:
  // Calls f(value, begin, end) for each run.
  template <class F>
  void each_run(F f) const {
    std::vector<uint16_t> period(static_cast<size_t>(kPeriod));
    std::mt19937 random(5);
    for (uint16_t& v : period) v = (random() & 1) != 0 ? kOne : kMinusOne;
    const int64_t numel = GetParam().numel, run = GetParam().run;
    for (int64_t begin = 0, k = 0; begin < numel; begin += run, k = k + 1 == kPeriod ? 0 : k + 1)
      f(period[static_cast<size_t>(k)], begin, std::min(numel, begin + run));
  }
  static constexpr uint16_t kOne = 0x3F80, kMinusOne = 0xBF80;
};

TEST_P(LargeNear, ValuesBeyondTwoToThe31ComeBackNearly) {
  const NearRow& row = GetParam();
  const auto codec = make_codec(row.spec);
  const int64_t bytes = row.numel * 2;
  if (const int64_t needed = 2 * bytes * kShadow; available_bytes() < needed)
    GTEST_SKIP() << "needs " << (needed >> 30) << " GiB of free memory";
  const Bytes data = allocate(bytes);
  auto* values = reinterpret_cast<uint16_t*>(data.get());
  each_run([&](uint16_t value, int64_t begin, int64_t end) { std::fill(values + begin, values + end, value); });
  const CodecContext context;
  const Extent extent{data.get(), row.numel, DType::kBFloat16};
  const auto measured = codec->measure(extent, row.side, context);
  ASSERT_TRUE(measured.has_value());
  const Bytes payload = allocate(*measured);
  const auto written = codec->encode(extent, row.side, {payload.get(), static_cast<size_t>(*measured)}, context);
  ASSERT_TRUE(written.has_value());
  EXPECT_LT(*written, bytes);
  std::memset(data.get(), 0x55, static_cast<size_t>(bytes));
  codec->decode({payload.get(), static_cast<size_t>(*written)}, data.get(), row.numel, DType::kBFloat16, context);
  int64_t wrong = 0, first = -1;
  const auto tolerance = static_cast<float>(row.tolerance);
  each_run([&](uint16_t value, int64_t begin, int64_t end) {
    const float expected = bf16_to_float(value);
    for (int64_t i = begin; i < end; ++i) {
      if (std::fabs(bf16_to_float(values[i]) - expected) <= tolerance) continue;
      if (wrong++ == 0) first = i;
    }
  });
  EXPECT_EQ(wrong, 0) << "the first is value " << first;
}

using Text = std::string;
constexpr Grid kPlanes{kSamples * kChannels, {1, kHeight, kWidth}, 1, kChannels};
constexpr Grid kChannelsLast{kSamples, {1, kHeight, kWidth}, kChannels, 1};
constexpr Grid kPairs{kGridNumel / 2 / kWidth, {1, 1, 2}, kWidth, 1};

SideInfo with(const Grid& grid) { return {{}, {}, grid}; }
CodecSpec lfc() { return {"lfc", {{"block", int64_t{8}}, {"bits", int64_t{8}}}}; }
CodecSpec pool() { return {"pool", {{"block", int64_t{2}}}}; }
CodecSpec fixed_point() { return {"fixed_point", {{"bits", int64_t{4}}}}; }
CodecSpec dither(const Text& predict) { return {"dither", {{"step_sigma", 1.0}, {"predict", predict}}}; }
CodecSpec error_bound(const Text& predict) {
  return {"error_bound", {{"bound", 0.25}, {"relative", false}, {"predict", predict}}};
}

// One of each method.
std::vector<NearRow> near_rows() {
  return {{"cast", {"cast", {{"dtype", Text("fp8_e5m2")}}}, 0},
          {"lfc", lfc(), 0.05},
          {"pool", pool(), 0, kNumel, {}, 2},
          {"fixed_point", fixed_point(), 0.25},
          {"dither", dither("none"), 0.55},
          {"error_bound", error_bound("none"), 0.25}};
}
std::vector<NearRow> slow_rows() {
  return {{"lfc_planes", lfc(), 0.05, kGridNumel, with(kPlanes)},
          {"lfc_channels_last", lfc(), 0.05, kGridNumel, with(kChannelsLast)},
          {"pool_channels_last", pool(), 0, kGridNumel, with(kPairs), 2 * kWidth},
          {"fixed_point_planes", fixed_point(), 0.25, kGridNumel, with(kPlanes)},
          {"fixed_point_channels_last", fixed_point(), 0.25, kGridNumel, with(kChannelsLast)},
          {"dither_channel", dither("channel"), 0.7, kGridNumel, with(kPlanes)},
          {"dither_channel_last", dither("channel"), 0.7, kGridNumel, with(kChannelsLast)},
          {"dither_lorenzo", dither("lorenzo"), 0.55, kGridNumel, with(kPlanes), 16},
          {"error_bound_lorenzo", error_bound("lorenzo"), 0.25, kNumel, {}, 16},
          {"error_bound_lorenzo_channels_last", error_bound("lorenzo"), 0.25, kGridNumel, with(kChannelsLast), 16}};
}

const auto name_of = [](const auto& info) { return info.param.name; };
INSTANTIATE_TEST_SUITE_P(Codecs, LargeNear, ::testing::ValuesIn(near_rows()), name_of);
INSTANTIATE_TEST_SUITE_P(Slow, LargeNear, ::testing::ValuesIn(slow_rows()), name_of);

}  // namespace
}  // namespace cinch::testing
