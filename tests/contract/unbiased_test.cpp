// Unbiased methods: the mean over seeds is the value, for each value and for the mean of all.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/contract/rows.h"

namespace cinch::testing {
namespace {

constexpr int kSeeds = 300;
constexpr int64_t kValues = 4620;  // 14 x 11 planes of 6 channels, or 28 tokens of 33
// Of a right codec, over all choices of its seeds: that one check of one row fails.
constexpr double kFalseAlarm = 1e-9;

// Hoeffding: the mean of `samples` independent errors, each within an interval of `width`, is beyond the result with no
// more than this probability.
double largest_mean(double width, double samples, double probability) {
  return width * std::sqrt(std::log(2 / probability) / (2 * samples));
}

std::vector<ContractRow> unbiased_rows() {
  std::vector<ContractRow> rows = contract_rows();
  std::erase_if(rows, [](const ContractRow& row) {
    const bool nearest = row.spec.params.contains("rounding") && row.spec.get_string("rounding", "") == "nearest";
    return nearest || make_codec(row.spec)->error_class() != ErrorClass::kUnbiased;
  });
  return rows;
}

class Unbiased : public ::testing::TestWithParam<ContractRow> {
 protected:
  struct Errors {
    std::vector<double> mean;  // of each value, over seeds
    double width = 0;          // of the interval in which any value's decoded ones lie
  };
  static Errors errors(const Buffer& data) {
    const ContractRow& row = GetParam();
    const auto codec = make_codec(row.spec);
    const SideInfo side = row.side(kValues);
    std::vector<double> sums(kValues), low(kValues, INFINITY), high(kValues, -INFINITY);
    for (int seed = 0; seed < kSeeds; ++seed) {
      const CodecContext context{static_cast<uint64_t>(seed), 3, 4};
      const auto payload = encode(*codec, {data.data(), kValues, row.dtype}, side, context);
      if (!payload) throw std::runtime_error("declined");
      const Buffer out = decode(*codec, *payload, kValues, row.dtype, context);
      for (int64_t i = 0; i < kValues; ++i) {
        const double y = float_at(out.data(), i, row.dtype);
        const auto at = static_cast<size_t>(i);
        sums[at] += y;
        low[at] = std::min(low[at], y);
        high[at] = std::max(high[at], y);
      }
    }
    Errors e;
    for (size_t i = 0; i < kValues; ++i) {
      e.mean.push_back(sums[i] / kSeeds - float_at(data.data(), static_cast<int64_t>(i), row.dtype));
      e.width = std::max(e.width, high[i] - low[i]);
    }
    // What 300 draws show of an interval is 1 part in 300 short of it, at worst 10.
    e.width *= 1.04;
    return e;
  }
  // Of a mean: what rounding to the dtype adds, and half the resolution of a dither of 16 bits, less those of a code.
  static double systematic(double value, double width) {
    const DType d = GetParam().dtype;
    const double half_ulp = d == DType::kFloat32 ? 0x1p-23 : d == DType::kBFloat16 ? 0x1p-8 : 0x1p-11;
    return half_ulp * (std::fabs(value) + width) +
           std::ldexp(width, static_cast<int>(GetParam().spec.get_int("bits", 1)) - 17);
  }
};

TEST_P(Unbiased, ForEachValueAndForTheMean) {
  const ContractRow& row = GetParam();
  const Buffer data = row.data(kValues, 11);
  const Errors e = errors(data);
  ASSERT_GT(e.width, 0);
  const double most = largest_mean(e.width, kSeeds, kFalseAlarm / static_cast<double>(kValues));
  double total = 0, slack = 0;
  for (size_t i = 0; i < e.mean.size(); ++i) {
    const double x = float_at(data.data(), static_cast<int64_t>(i), row.dtype), s = systematic(x, e.width);
    EXPECT_LE(std::fabs(e.mean[i]), most + s) << "value " << i << ", " << x;
    total += e.mean[i];
    slack += s;
  }
  // Where neighbours predict, values of a chunk share their draw.
  const bool together = row.spec.params.contains("predict") && row.spec.get_string("predict", "") == "lorenzo";
  const double samples = kSeeds * static_cast<double>(together ? 1 : kValues), n = static_cast<double>(kValues);
  EXPECT_LE(std::fabs(total) / n, largest_mean(e.width, samples, kFalseAlarm) + slack / n);
}

INSTANTIATE_TEST_SUITE_P(Codecs, Unbiased, ::testing::ValuesIn(unbiased_rows()), row_name);

}  // namespace
}  // namespace cinch::testing
