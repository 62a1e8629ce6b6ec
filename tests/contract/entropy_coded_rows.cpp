// Rows of the methods whose payloads are as large as their values are hard to tell.
#include <algorithm>
#include <cmath>

#include "tests/contract/grids.h"
#include "tests/contract/rows.h"

namespace cinch::testing {
namespace {

using ::testing::AssertionFailure;
using ::testing::AssertionResult;
using ::testing::AssertionSuccess;

// |error| is at most half a step, which is in standard deviations of a sample; zeros stay zero, and nothing else is.
ContractRow dither_row(double step_sigma, DType dtype, bool relu) {
  ContractRow row;
  row.name = "dither_" + std::to_string(static_cast<int>(step_sigma * 100)) + "_" + std::string(to_string(dtype)) +
             (relu ? "_relu" : "");
  row.spec = {"dither", {{"step_sigma", step_sigma}}};
  row.dtype = dtype;
  row.side = [](int64_t) { return SideInfo(); };
  row.data = [=](int64_t n, uint32_t seed) { return activations(n, seed, dtype, relu); };
  row.verify = [=](const Extent& in, const void* out) -> AssertionResult {
    double sum = 0, squares = 0;
    for (int64_t i = 0; i < in.numel; ++i) {
      const double x = float_at(in.data, i, dtype);
      sum += x;
      squares += x * x;
    }
    const double n = static_cast<double>(std::max<int64_t>(1, in.numel)), mean = sum / n;
    // A short tensor's sample is one group of it or less, of which the deviation may be half as much again.
    const double sigma = std::sqrt(std::max(0.0, squares / n - mean * mean)) * (in.numel < 2000 ? 1.5 : 1.05);
    const double ulp = dtype == DType::kFloat32 ? 0x1p-22 : dtype == DType::kBFloat16 ? 0x1p-8 : 0x1p-11;
    for (int64_t i = 0; i < in.numel; ++i) {
      const double x = float_at(in.data, i, dtype), y = float_at(out, i, dtype);
      if (!(std::fabs(x - y) <= step_sigma * sigma / 2 + ulp * (std::fabs(x) + sigma)) || (x == 0) != (y == 0)) {
        return AssertionFailure() << "value " << i << " of " << in.numel << ": " << x << " became " << y << ", sigma "
                                  << sigma;
      }
    }
    return AssertionSuccess();
  };
  row.mean_square_tolerance = 1.15;
  row.bytes_tolerance = 1.1;
  return row;
}

// Levels are steps of each channel's deviation apart; all channels of this data have the same one. Those of a sample
// are within a factor 1.4 but for one in a million channels.
ContractRow dither_channel_row(double step_sigma, DType dtype, Arrangement arrangement, bool relu) {
  ContractRow row = dither_row(step_sigma * 1.4, dtype, relu);
  row.name = "dither_channel_" + std::to_string(static_cast<int>(step_sigma * 100)) + "_" +
             std::to_string(static_cast<int>(arrangement)) + "_" + std::string(to_string(dtype)) +
             (relu ? "_relu" : "");
  row.spec = {"dither", {{"step_sigma", step_sigma}, {"predict", std::string("channel")}}};
  row.side = [=](int64_t n) { return arranged(arrangement, n); };
  row.mean_square_tolerance = 1.25;
  return row;
}

// The step is that of the tensor, whatever its neighbours tell.
ContractRow predicted_dither_row(double step_sigma, DType dtype, Arrangement arrangement, bool relu) {
  ContractRow row = dither_row(step_sigma, dtype, relu);
  row.name = "dither_lorenzo_" + std::to_string(static_cast<int>(step_sigma * 100)) + "_" +
             std::to_string(static_cast<int>(arrangement)) + "_" + std::string(to_string(dtype)) +
             (relu ? "_relu" : "");
  row.spec = {"dither", {{"step_sigma", step_sigma}, {"predict", std::string("lorenzo")}}};
  row.side = [=](int64_t n) { return arranged(arrangement, n); };
  row.mean_square_tolerance = 1.25;
  return row;
}

// Steps of up to 8 deviations; which one it is hangs on the values.
ContractRow dither_to_bits_row(double bits, const std::string& predict, DType dtype, bool relu) {
  ContractRow row = dither_row(8.0, dtype, relu);
  row.name = "dither_bits_" + std::to_string(static_cast<int>(bits * 100)) + "_" + predict + "_" +
             std::string(to_string(dtype)) + (relu ? "_relu" : "");
  row.spec = {"dither", {{"average_bits", bits}, {"predict", predict}}};
  row.fits_less_room = true;
  row.side = [](int64_t n) { return arranged(Arrangement::kPlanes, n); };
  row.mean_square_tolerance = 1.5;  // a sixteenth of a step's octave, on either side, and what chunks' heads take
  row.bytes_tolerance = 1.15;
  return row;
}

// Every value is within the bound, which is a share of a sample's range or absolute; zeros stay zero, and nothing else
// is.
ContractRow error_bound_row(double bound, bool relative, const std::string& predict, DType dtype, bool relu) {
  ContractRow row;
  row.name = "error_bound_" + std::to_string(static_cast<int>(bound * 1000)) + (relative ? "_relative_" : "_") +
             predict + "_" + std::string(to_string(dtype)) + (relu ? "_relu" : "");
  row.spec = {"error_bound", {{"bound", bound}, {"relative", relative}, {"predict", predict}}};
  row.dtype = dtype;
  row.side = [](int64_t n) {
    SideInfo side;
    if (n > 0 && n % 77 == 0) side.grid = Grid{n / 77, {1, 7, 11}, 1, 1};
    return side;
  };
  row.data = [=](int64_t n, uint32_t seed) { return activations(n, seed, dtype, relu); };
  row.verify = [=](const Extent& in, const void* out) -> AssertionResult {
    double low = INFINITY, high = -INFINITY;
    for (int64_t i = 0; i < in.numel; ++i) {
      low = std::min(low, float_at(in.data, i, dtype));
      high = std::max(high, float_at(in.data, i, dtype));
    }
    const double most = relative ? bound * (high - low) : bound;
    for (int64_t i = 0; i < in.numel; ++i) {
      const double x = float_at(in.data, i, dtype), y = float_at(out, i, dtype);
      if (!(std::fabs(x - y) <= most) || (x == 0) != (y == 0))
        return AssertionFailure() << "value " << i << " of " << in.numel << ": " << x << " became " << y;
    }
    return AssertionSuccess();
  };
  row.mean_square_tolerance = 1.25;
  row.bytes_tolerance = 1.1;
  return row;
}

}  // namespace

std::vector<ContractRow> entropy_coded_rows() {
  using enum Arrangement;
  std::vector<ContractRow> rows;
  for (const DType d : {DType::kFloat32, DType::kBFloat16, DType::kFloat16}) {
    for (const double step : {0.2, 1.0, 2.0})
      for (const bool relu : {false, true}) rows.push_back(dither_row(step, d, relu));
    for (const double bound : {0.1, 0.6})
      for (const bool relu : {false, true}) rows.push_back(error_bound_row(bound, false, "auto", d, relu));
    rows.push_back(error_bound_row(0.01, true, "none", d, false));
    rows.push_back(error_bound_row(0.05, true, "auto", d, true));
    for (const Arrangement a : {kFlat, kPlanes, kChannelsLast, kTokens, kVolumes})
      rows.push_back(dither_channel_row(1.0, d, a, false));
    for (const Arrangement a : {kFlat, kPlanes, kTokens}) {
      rows.push_back(predicted_dither_row(1.0, d, a, false));
      rows.push_back(predicted_dither_row(1.4, d, a, true));
    }
    for (const Arrangement a : {kPlanes, kChannelsLast}) rows.push_back(dither_channel_row(1.4, d, a, true));
    rows.push_back(dither_to_bits_row(6.0, "none", d, false));  // tiny tensors waste some on their code
    rows.push_back(dither_to_bits_row(4.0, "lorenzo", d, true));
  }
  return rows;
}

}  // namespace cinch::testing
