#include "tests/contract/rows.h"

#include <algorithm>
#include <cmath>
#include <random>

#include "tests/contract/pool_indices.h"
#include "tests/contract/predicate.h"

namespace cinch::testing {
namespace {

using ::testing::AssertionFailure;
using ::testing::AssertionResult;
using ::testing::AssertionSuccess;

SideInfo no_side(int64_t) { return {}; }

AssertionResult same_bits(const Extent& in, const void* out) {
  const int64_t width = dtype_bytes(in.dtype);
  for (int64_t i = 0; i < in.numel * width; ++i) {
    if (static_cast<const std::byte*>(in.data)[i] != static_cast<const std::byte*>(out)[i]) {
      return AssertionFailure() << "value " << i / width << " of " << in.numel << " has other bits";
    }
  }
  return AssertionSuccess();
}

ContractRow mask_row(const std::string& name, Predicate p, DType dtype) {
  ContractRow row;
  row.name = "mask_" + name + "_" + std::string(to_string(dtype));
  row.spec = {"mask", {}};
  row.dtype = dtype;
  row.side = [p](int64_t) { return SideInfo{p, {}}; };
  row.data = [dtype](int64_t n, uint32_t seed) { return activations(n, seed, dtype, false); };
  row.verify = [p, dtype](const Extent& in, const void* out) -> AssertionResult {
    for (int64_t i = 0; i < in.numel; ++i) {
      const double x = float_at(in.data, i, dtype), y = float_at(out, i, dtype);
      if (!std::isfinite(y) || answer(p, x, dtype) != answer(p, y, dtype)) {
        return AssertionFailure() << "value " << i << " of " << in.numel << ": " << x << " became " << y;
      }
    }
    return AssertionSuccess();
  };
  return row;
}

ContractRow two_valued_row(DType dtype) {
  ContractRow row;
  row.name = "mask_two_valued_" + std::string(to_string(dtype));
  row.spec = {"mask", {}};
  row.dtype = dtype;
  row.side = [](int64_t) { return SideInfo{{PredicateKind::kTwoValued, 0, 0, false}, {}}; };
  row.data = [dtype](int64_t n, uint32_t seed) {  // a dropout mask with p = 0.3
    std::mt19937 random(seed);
    std::vector<double> values(static_cast<size_t>(n));
    for (double& v : values) v = random() % 10 < 3 ? 0.0 : 1 / 0.7;
    if (is_integer(dtype)) return integers(std::vector<int64_t>(values.begin(), values.end()), dtype);
    return floats(values, dtype);
  };
  row.verify = same_bits;
  return row;
}

ContractRow bits_row() {
  ContractRow row{"bits", {"bits", {}}, DType::kBool, no_side, {}, same_bits, 0};
  row.data = [](int64_t n, uint32_t seed) {
    std::mt19937 random(seed);
    std::vector<int64_t> values(static_cast<size_t>(n));
    for (int64_t& v : values) v = random() % 3 == 0;
    return integers(values, DType::kBool);
  };
  return row;
}

ContractRow int_row(DType dtype, int64_t low, int64_t count) {
  ContractRow row{"int_" + std::string(to_string(dtype)) + "_range_" + std::to_string(count),
                  {"int", {}},
                  dtype,
                  no_side,
                  {},
                  same_bits,
                  0};
  row.data = [=](int64_t n, uint32_t seed) {
    std::mt19937_64 random(seed);
    std::vector<int64_t> values(static_cast<size_t>(n));
    for (int64_t& v : values) v = low + static_cast<int64_t>(random() % static_cast<uint64_t>(count));
    return integers(values, dtype);
  };
  return row;
}

// Two planes or more of 3x3 windows with stride 2 and padding 1, as in a ResNet's stem.
PoolGeometry stem(int64_t numel, bool channels_last) {
  PoolGeometry p;
  p.out_h = p.out_w = 1;
  p.planes = numel;
  for (int64_t side = 8; side > 1; --side) {
    if (numel % (side * side * 2) == 0) {
      p.out_h = p.out_w = side;
      p.planes = numel / side / side;
      break;
    }
  }
  p.channels = p.planes % 2 == 0 ? 2 : 1;
  p.channels_last = channels_last;
  p.in_h = p.in_w = 2 * p.out_h;
  p.kernel_h = p.kernel_w = 3;
  p.stride_h = p.stride_w = 2;
  p.pad_h = p.pad_w = 1;
  return p;
}

ContractRow pool_row(DType dtype, bool channels_last) {
  ContractRow row{"int_pool_" + std::string(to_string(dtype)) + (channels_last ? "_channels_last" : ""),
                  {"int", {}},
                  dtype,
                  {},
                  {},
                  same_bits,
                  0};
  row.side = [=](int64_t n) { return SideInfo{{}, stem(n, channels_last)}; };
  row.data = [=](int64_t n, uint32_t seed) {
    return integers(n > 0 ? pool_indices(stem(n, channels_last), seed) : std::vector<int64_t>(), dtype);
  };
  return row;
}

ContractRow group_quant_row(int64_t bits, const std::string& rounding, DType dtype, bool relu) {
  ContractRow row;
  row.name = "group_quant_" + std::to_string(bits) + "_" + rounding + "_" + std::string(to_string(dtype)) +
             (relu ? "_relu" : "");
  row.spec = {"group_quant", {{"bits", bits}, {"rounding", rounding}}};
  row.dtype = dtype;
  row.side = no_side;
  row.data = [=](int64_t n, uint32_t seed) { return activations(n, seed, dtype, relu); };
  row.verify = [=](const Extent& in, const void* out) { return within_steps(in, out, bits, rounding == "nearest"); };
  row.mean_square_tolerance = 1.35;
  return row;
}

}  // namespace

AssertionResult within_steps(const Extent& in, const void* out, int64_t bits, bool nearest) {
  const double ulp = in.dtype == DType::kFloat32 ? 0x1p-22 : in.dtype == DType::kBFloat16 ? 0x1p-8 : 0x1p-11;
  for (int64_t g = 0; g < in.numel; g += 256) {
    const int64_t end = std::min(g + 256, in.numel);
    double low = INFINITY, high = -INFINITY;
    for (int64_t i = g; i < end; ++i) {
      low = std::min(low, float_at(in.data, i, in.dtype));
      high = std::max(high, float_at(in.data, i, in.dtype));
    }
    const double range = high - low + std::fabs(low) * 0x1p-7;
    const double step = range / static_cast<double>((1 << bits) - 1) * (1 + 0x1p-7);
    const double bound = step * (nearest ? 0.5 + 0x1p-8 : 1 + 0x1p-8);
    for (int64_t i = g; i < end; ++i) {
      const double x = float_at(in.data, i, in.dtype), y = float_at(out, i, in.dtype);
      const double slack = ulp * std::max({std::fabs(low), std::fabs(high), range}) + 0x1p-24;
      if (!(std::fabs(x - y) <= bound + slack)) {
        return AssertionFailure() << "value " << i << " of " << in.numel << ": " << x << " became " << y << ", bound "
                                  << bound + slack;
      }
    }
  }
  return AssertionSuccess();
}

std::vector<ContractRow> contract_rows() {
  using enum PredicateKind;
  std::vector<ContractRow> rows;
  for (const DType d : {DType::kFloat32, DType::kBFloat16, DType::kFloat16, DType::kFloat64}) {
    rows.push_back(mask_row("greater_nan_on", {kGreater, 0, 0, true}, d));
    rows.push_back(mask_row("greater", {kGreater, 0.5, 0, false}, d));
    rows.push_back(mask_row("greater_equal", {kGreaterEqual, -0.5, 0, false}, d));
    rows.push_back(mask_row("less", {kLess, 0, 3.0, false}, d));
    rows.push_back(mask_row("less_equal", {kLessEqual, 0, 3.0, false}, d));
    rows.push_back(mask_row("open_interval", {kOpenInterval, -3, 3, false}, d));
    rows.push_back(mask_row("closed_interval", {kClosedInterval, 0, 3, true}, d));
    rows.push_back(mask_row("abs_greater", {kAbsGreater, 0.5, 0, false}, d));
    rows.push_back(mask_row("sign", {kSign, 0, 0, false}, d));
    rows.push_back(two_valued_row(d));
  }
  rows.push_back(two_valued_row(DType::kInt64));
  rows.push_back(two_valued_row(DType::kUInt8));
  rows.push_back(bits_row());
  rows.push_back(int_row(DType::kInt64, -5, 1));
  rows.push_back(int_row(DType::kInt64, -5, 11));
  rows.push_back(int_row(DType::kInt64, -(int64_t{1} << 40), int64_t{1} << 41));
  rows.push_back(int_row(DType::kInt32, 1'000'000, 10));
  rows.push_back(int_row(DType::kInt16, -300, 601));
  rows.push_back(int_row(DType::kInt8, -128, 3));
  rows.push_back(int_row(DType::kUInt8, 250, 6));
  for (const DType d : {DType::kInt64, DType::kInt32})
    for (const bool channels_last : {false, true}) rows.push_back(pool_row(d, channels_last));
  for (const DType d : {DType::kFloat32, DType::kBFloat16, DType::kFloat16}) {
    for (const int64_t bits : {1, 2, 4, 8}) {
      for (const char* rounding : {"stochastic", "nearest"}) rows.push_back(group_quant_row(bits, rounding, d, false));
    }
    rows.push_back(group_quant_row(2, "stochastic", d, true));
  }
  for (ContractRow& row : average_bits_rows()) rows.push_back(std::move(row));
  for (ContractRow& row : fixed_rate_rows()) rows.push_back(std::move(row));
  for (ContractRow& row : entropy_coded_rows()) rows.push_back(std::move(row));
  return rows;
}

}  // namespace cinch::testing
