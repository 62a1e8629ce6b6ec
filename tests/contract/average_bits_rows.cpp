// Rows of group_quant with average_bits: values whose groups are alike, and channels of other scales.
#include <cmath>
#include <random>

#include "tests/contract/rows.h"

namespace cinch::testing {
namespace {

enum class Data { kNormal, kRelu, kScaled };
constexpr const char* kNames[] = {"normal", "relu", "scaled"};

// Channels of 3 groups; their scales go up by a factor of 1.7, 8 times, and then begin again.
Buffer values_of(Data data, int64_t numel, uint32_t seed, DType dtype) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal(0.0, 2.0);
  std::vector<double> values(static_cast<size_t>(numel));
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = normal(random);
    if (data == Data::kRelu) values[i] = std::max(values[i], 0.0);
    if (data == Data::kScaled) values[i] *= std::pow(1.7, static_cast<double>(i / 768 % 8));
  }
  return floats(values, dtype);
}

ContractRow average_row(double average_bits, const std::string& rounding, DType dtype, Data data) {
  ContractRow row;
  const std::string bits = std::to_string(static_cast<int>(average_bits * 10));
  row.name = "group_quant_average_" + bits + "_tenths_" + rounding + "_" + std::string(to_string(dtype)) + "_" +
             kNames[static_cast<size_t>(data)];
  row.spec = {"group_quant", {{"average_bits", average_bits}, {"rounding", rounding}}};
  row.dtype = dtype;
  row.side = [](int64_t) { return SideInfo{}; };
  row.data = [=](int64_t n, uint32_t seed) { return values_of(data, n, seed, dtype); };
  // Any group may have one bit.
  row.verify = [=](const Extent& in, const void* out) { return within_steps(in, out, 1, rounding == "nearest"); };
  row.mean_square_tolerance = 1.15;
  return row;
}

}  // namespace

std::vector<ContractRow> average_bits_rows() {
  std::vector<ContractRow> rows;
  for (const DType d : {DType::kFloat32, DType::kBFloat16, DType::kFloat16}) {
    for (const Data data : {Data::kNormal, Data::kRelu, Data::kScaled})
      for (const double bits : {1.5, 2.0, 3.5}) rows.push_back(average_row(bits, "stochastic", d, data));
    for (const double bits : {1.0, 8.0}) rows.push_back(average_row(bits, "stochastic", d, Data::kScaled));
    for (const double bits : {1.5, 3.0}) rows.push_back(average_row(bits, "nearest", d, Data::kScaled));
  }
  return rows;
}

}  // namespace cinch::testing
