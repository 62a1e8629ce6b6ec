// Rows of the fixed-rate methods that look at a tensor's grid.
#include <algorithm>
#include <cmath>
#include <random>

#include "tests/contract/grids.h"
#include "tests/contract/rows.h"

namespace cinch::testing {
namespace {

using ::testing::AssertionFailure;
using ::testing::AssertionResult;
using ::testing::AssertionSuccess;

const char* name_of(Arrangement a) {
  constexpr const char* kNames[] = {"flat", "planes", "channels_last", "tokens", "volumes"};
  return kNames[static_cast<size_t>(a)];
}

Buffer normal(int64_t numel, uint32_t seed, DType dtype) {
  std::mt19937 random(seed);
  std::normal_distribution<double> d(0.3, 2.0);
  std::vector<double> values(static_cast<size_t>(numel));
  for (double& v : values) v = d(random);
  return floats(values, dtype);
}

std::vector<float> values_of(const Extent& in) {
  std::vector<float> values;
  for (int64_t i = 0; i < in.numel; ++i) values.push_back(static_cast<float>(float_at(in.data, i, in.dtype)));
  return values;
}

double ulp_of(DType dtype) { return dtype == DType::kFloat32 ? 0x1p-22 : dtype == DType::kBFloat16 ? 0x1p-8 : 0x1p-11; }

ContractRow grid_row(const std::string& name, CodecSpec spec, DType dtype, Arrangement arrangement) {
  ContractRow row;
  row.name = name + "_" + name_of(arrangement) + "_" + std::string(to_string(dtype));
  row.spec = std::move(spec);
  row.dtype = dtype;
  row.side = [=](int64_t n) { return arranged(arrangement, n); };
  row.data = [=](int64_t n, uint32_t seed) { return normal(n, seed, dtype); };
  return row;
}

// A value is its block's average and a residual within a step of its own.
ContractRow lfc_row(int64_t block, int64_t bits, DType dtype, Arrangement arrangement) {
  ContractRow row = grid_row("lfc_" + std::to_string(block) + "_" + std::to_string(bits),
                             {"lfc", {{"block", block}, {"bits", bits}}}, dtype, arrangement);
  row.verify = [=](const Extent& in, const void* out) -> AssertionResult {
    const Grid grid = grid_of(arranged(arrangement, in.numel), in.numel);
    const std::vector<float> values = values_of(in), averages = block_averages(values, grid, block);
    struct Range {
      double low = INFINITY, high = -INFINITY;
    };
    std::vector<Range> ranges(static_cast<size_t>(grid.outer * grid.inner));
    for (size_t e = 0; e < values.size(); ++e) {
      Range& r = ranges[static_cast<size_t>(place_of(grid, static_cast<int64_t>(e)).map)];
      const double residual = static_cast<double>(values[e]) - averages[e];
      r.low = std::min(r.low, residual);
      r.high = std::max(r.high, residual);
    }
    for (size_t e = 0; e < values.size(); ++e) {
      const Range& r = ranges[static_cast<size_t>(place_of(grid, static_cast<int64_t>(e)).map)];
      const double range = r.high - r.low + std::fabs(r.low) * 0x1p-7;
      const double step = range / static_cast<double>((1 << bits) - 1) * (1 + 0x1p-7);
      const double bound =
          step * (1 + 0x1p-8) + ulp_of(in.dtype) * (std::fabs(values[e]) + std::fabs(r.low) + range) + 0x1p-24;
      const double y = float_at(out, static_cast<int64_t>(e), in.dtype);
      if (!(std::fabs(y - values[e]) <= bound))
        return AssertionFailure() << "value " << e << ": " << values[e] << " became " << y << ", bound " << bound;
    }
    return AssertionSuccess();
  };
  row.mean_square_tolerance = arrangement == Arrangement::kFlat ? 1.25 : 1.15;  // the range of one map is chance
  if (arrangement == Arrangement::kFlat) row.trial_tolerance = 0.45;            // and that of a part of it is smaller
  return row;
}

// Each value is its block's average.
ContractRow pool_row(int64_t block, DType dtype, Arrangement arrangement) {
  ContractRow row = grid_row("pool_" + std::to_string(block), {"pool", {{"block", block}}}, dtype, arrangement);
  row.verify = [=](const Extent& in, const void* out) -> AssertionResult {
    const std::vector<float> averages =
        block_averages(values_of(in), grid_of(arranged(arrangement, in.numel), in.numel), block);
    const Buffer expected = floats(std::vector<double>(averages.begin(), averages.end()), in.dtype);
    for (int64_t e = 0; e < in.numel; ++e) {
      if (float_at(out, e, in.dtype) != float_at(expected.data(), e, in.dtype))
        return AssertionFailure() << "value " << e << " became " << float_at(out, e, in.dtype)
                                  << ", its block's average is " << averages[static_cast<size_t>(e)];
    }
    return AssertionSuccess();
  };
  row.mean_square_tolerance = 1.15;
  return row;
}

// x > 0 is kept; what lies well within 3 deviations of its channel's mean is within half a cell. Moments of a sample of
// 512 values are within 5 / sqrt(512) deviations, and cells within a factor 1.25, but for one in a million channels.
ContractRow fixed_point_row(int64_t bits, DType dtype, Arrangement arrangement) {
  ContractRow row =
      grid_row("fixed_point_" + std::to_string(bits), {"fixed_point", {{"bits", bits}}}, dtype, arrangement);
  row.verify = [=](const Extent& in, const void* out) -> AssertionResult {
    const Grid grid = grid_of(arranged(arrangement, in.numel), in.numel);
    const std::vector<float> values = values_of(in);
    struct Sums {
      double count = 0, sum = 0, squares = 0;
    };
    std::vector<Sums> channels(static_cast<size_t>(grid.channels * grid.inner));
    const auto channel_of = [&](size_t e) -> Sums& {
      return channels[static_cast<size_t>(place_of(grid, static_cast<int64_t>(e)).channel)];
    };
    for (size_t e = 0; e < values.size(); ++e) {
      Sums& s = channel_of(e);
      ++s.count;
      s.sum += values[e];
      s.squares += static_cast<double>(values[e]) * values[e];
    }
    for (size_t e = 0; e < values.size(); ++e) {
      const Sums& s = channel_of(e);
      const double x = values[e], y = float_at(out, static_cast<int64_t>(e), in.dtype);
      if ((x > 0) != (y > 0)) return AssertionFailure() << "value " << e << ": " << x << " became " << y;
      const double mean = s.sum / s.count, deviation = std::sqrt(std::max(0.0, s.squares / s.count - mean * mean));
      if (std::fabs(x - mean) > 2.1 * deviation) continue;
      const double levels = static_cast<double>(1 << bits);
      const double cell = 1.25 * std::max(6 * deviation / levels, (std::fabs(mean) + 3 * deviation) / (levels - 1));
      if (!(std::fabs(x - y) <= cell / 2 + ulp_of(in.dtype) * std::fabs(x) + 0x1p-24))
        return AssertionFailure() << "value " << e << ": " << x << " became " << y << ", cells of at most " << cell;
    }
    return AssertionSuccess();
  };
  row.mean_square_tolerance = 1.15;
  // Of few channels, or few values of each: what lies beyond 3 deviations hangs on the 512 values.
  if (arrangement == Arrangement::kFlat || arrangement == Arrangement::kTokens) row.trial_tolerance = 0.4;
  return row;
}

struct NarrowType {
  const char* name;
  int mantissa, lowest_exponent;
  double largest;
};
constexpr NarrowType kNarrowTypes[] = {
    {"bf16", 7, -126, 0x1.fep127}, {"fp16", 10, -14, 65504}, {"fp8_e4m3", 3, -6, 448}, {"fp8_e5m2", 2, -14, 57344}};

// The nearest value of the narrower type, even where two are as near.
ContractRow cast_row(const NarrowType& type, DType dtype) {
  ContractRow row = grid_row(std::string("cast_") + type.name, {"cast", {{"dtype", std::string(type.name)}}}, dtype,
                             Arrangement::kFlat);
  row.verify = [=](const Extent& in, const void* out) -> AssertionResult {
    for (int64_t e = 0; e < in.numel; ++e) {
      const double x = float_at(in.data, e, in.dtype), y = float_at(out, e, in.dtype);
      const int exponent = x == 0 ? type.lowest_exponent : std::max(std::ilogb(x), type.lowest_exponent);
      const double unit = std::ldexp(1.0, exponent - type.mantissa);
      const double nearest = std::clamp(std::nearbyint(x / unit) * unit, -type.largest, type.largest);
      if (y != nearest || std::signbit(x) != std::signbit(y))
        return AssertionFailure() << "value " << e << ": " << x << " became " << y << " instead of " << nearest;
    }
    return AssertionSuccess();
  };
  row.mean_square_tolerance = 1.15;
  return row;
}

}  // namespace

std::vector<ContractRow> fixed_rate_rows() {
  using enum Arrangement;
  std::vector<ContractRow> rows;
  for (const DType d : {DType::kFloat32, DType::kBFloat16, DType::kFloat16}) {
    for (const Arrangement a : {kFlat, kPlanes, kChannelsLast, kTokens, kVolumes}) {
      rows.push_back(lfc_row(8, 2, d, a));
      rows.push_back(pool_row(2, d, a));
    }
    for (const int64_t bits : {1, 4, 8}) rows.push_back(lfc_row(4, bits, d, kPlanes));
    rows.push_back(lfc_row(3, 2, d, kPlanes));
    rows.push_back(lfc_row(64, 2, d, kFlat));
    for (const int64_t block : {4, 8}) rows.push_back(pool_row(block, d, kPlanes));
    for (const int64_t bits : {4, 8}) {
      for (const Arrangement a : {kFlat, kPlanes, kChannelsLast, kTokens, kVolumes})
        rows.push_back(fixed_point_row(bits, d, a));
    }
    for (const NarrowType& type : kNarrowTypes) {
      if (make_codec({"cast", {{"dtype", std::string(type.name)}}})->supports(d, DeviceKind::kCpu))
        rows.push_back(cast_row(type, d));
    }
  }
  return rows;
}

}  // namespace cinch::testing
