// error_bound predicts from neighbours: in grids of every kind, and where a sample says that it pays.
#include "src/backend/cpu/isa.h"
#include "tests/codec/entropy_coded/error_bound_support.h"

namespace cinch::testing {
namespace {

// Wherever chunks begin within rows and maps, for any order of memory; the same bytes and values from any machine.
TEST(ErrorBound, NeighboursOfEveryGridOnEveryInstructionSetAndThreadCount) {
  using enum Arrangement;
  for (const Arrangement a : {kFlat, kPlanes, kChannelsLast, kTokens, kVolumes})
    for (const DType dtype : kDTypes) {
      const int64_t n = 28 * 14 * 11 * 24;
      std::vector<double> values(static_cast<size_t>(n));
      for (size_t i = 0; i < values.size(); ++i) values[i] = std::sin(static_cast<double>(i) * 1e-3) * 3;
      values[40'000] = 1e4;
      for (size_t i = 50'000; i < 50'100; ++i) values[i] = i % 3 == 0 ? kInfinity : i % 3 == 1 ? std::nan("") : -1e38;
      const SideInfo side = arranged(a, n);
      const Buffer in = floats(values, dtype);
      const auto codec = make_codec(error_bound(0.05, false, "lorenzo"));
      std::optional<Buffer> expected, expected_out;
      on_every_instruction_set([&](const std::string&) {
        for (const int threads : {1, 3}) {
          const ThreadedExecutor executor(threads);
          const CodecContext context{1, 2, 3, &executor, nullptr};
          const auto payload = encode(*codec, {in.data(), n, dtype}, side, context);
          ASSERT_TRUE(payload.has_value());
          const Buffer out = decode(*codec, *payload, n, dtype, context);
          if (!expected) expected.emplace(*payload), expected_out.emplace(out);
          EXPECT_TRUE(*payload == *expected);
          EXPECT_TRUE(out == *expected_out);
        }
      });
      bytes_of(error_bound(0.05, false, "lorenzo"), values, dtype, side);
    }
}

TEST(ErrorBound, NeighboursMakeSmoothDataSmallAndAutoNoticesWhereTheyDoNot) {
  const int64_t maps = 400, side = 28;
  const auto rough = normal(maps * side * side), soft = smooth(maps, side);
  const SideInfo info = maps_of(maps, side);
  for (const DType dtype : kDTypes)
    for (const double bound : {0.03, 0.1, 0.3}) {
      const auto bytes = [&](const std::vector<double>& values, const char* predict) {
        return static_cast<double>(bytes_of(error_bound(bound, false, predict), values, dtype, info).value());
      };
      EXPECT_LT(bytes(soft, "lorenzo"), 0.75 * bytes(soft, "none")) << bound;
      EXPECT_LT(bytes(soft, "auto"), 1.01 * bytes(soft, "lorenzo")) << bound;
      EXPECT_LT(bytes(rough, "none"), bytes(rough, "lorenzo")) << bound;
      EXPECT_LT(bytes(rough, "auto"), 1.01 * bytes(rough, "none")) << bound;
    }
}

// Where neighbours are far apart in memory the sample must reach them.
TEST(ErrorBound, NeighboursOfChannelsLastAreSeenInTheSample) {
  const int64_t side = 112, channels = 64;
  const auto planes = smooth(channels, side);
  std::vector<double> values(planes.size());
  for (int64_t i = 0; i < side * side; ++i)
    for (int64_t c = 0; c < channels; ++c)
      values[static_cast<size_t>(i * channels + c)] = planes[static_cast<size_t>(c * side * side + i)];
  SideInfo info;
  info.grid = Grid{1, {1, side, side}, channels, 1};
  const auto bytes = [&](const char* predict, const std::vector<double>& v, const SideInfo& grid) {
    return static_cast<double>(bytes_of(error_bound(0.1, false, predict), v, DType::kFloat32, grid).value());
  };
  EXPECT_LT(bytes("auto", values, info), 0.75 * bytes("none", values, info));
  // A chunk has five rows of 7168 values, the first of them without one above.
  EXPECT_LT(bytes("auto", values, info), 1.1 * bytes("auto", planes, maps_of(channels, side)));
}

// Maps of 256 values, 64 channels of their own deviation: every 16384th value is the same channel's.
TEST(ErrorBound, ASampleMeetsAllChannels) {
  auto values = normal(192 * 64 * 256);
  for (size_t i = 0; i < values.size(); ++i) values[i] *= 0.1 + static_cast<double>(i / 256 % 64) / 16;
  for (const char* predict : {"none", "auto"})
    EXPECT_TRUE(bytes_of(error_bound(0.6, false, predict), values, DType::kFloat32, maps_of(192 * 64, 16))) << predict;
}

}  // namespace
}  // namespace cinch::testing
