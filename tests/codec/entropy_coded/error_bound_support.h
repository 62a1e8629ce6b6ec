// Data and round trips that tests of error_bound share.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <random>

#include "tests/codec/values.h"

namespace cinch::testing {

constexpr auto kInfinity = std::numeric_limits<double>::infinity();

inline CodecSpec error_bound(double bound, bool relative = false, const std::string& predict = "auto") {
  return {"error_bound", {{"bound", bound}, {"relative", relative}, {"predict", predict}}};
}

inline std::vector<double> normal(int64_t n, double mean = 0, double sigma = 1, uint32_t seed = 1) {
  return normal_values(n, sigma, mean, seed);
}

// As convolutions of images give them: maps of side x side, smooth, each with a mean of its own; deviation 1.
inline std::vector<double> smooth(int64_t maps, int64_t side, double roughness = 0.05, uint32_t seed = 2) {
  std::mt19937 random(seed);
  std::normal_distribution<double> draw(0, 1);
  std::vector<double> values;
  for (int64_t m = 0; m < maps; ++m) {
    const double mean = draw(random) / 2, a = draw(random) / 4, b = draw(random) / 4, phase = draw(random);
    for (int64_t h = 0; h < side; ++h)
      for (int64_t w = 0; w < side; ++w)
        values.push_back(mean + std::sin(a * static_cast<double>(h) + b * static_cast<double>(w) + phase) +
                         roughness * draw(random));
  }
  return values;
}

inline SideInfo maps_of(int64_t maps, int64_t side) {
  SideInfo info;
  info.grid = Grid{maps, {1, side, side}, 1, maps};
  return info;
}

// Codes, decodes, and checks every value; the payload's bytes, or nothing where it is declined.
inline std::optional<int64_t> bytes_of(const CodecSpec& spec, const std::vector<double>& values, DType dtype,
                                       const SideInfo& side = {}, const CodecContext& context = {}) {
  const auto n = static_cast<int64_t>(values.size());
  const auto codec = make_codec(spec);
  const Buffer in = floats(values, dtype);
  const auto payload = encode(*codec, {in.data(), n, dtype}, side, context);
  if (!payload) return std::nullopt;
  const Buffer out = decode(*codec, *payload, n, dtype, context);
  double low = kInfinity, high = -kInfinity,
         bound = spec.params.contains("bound") ? std::get<double>(spec.params.at("bound")) : 0.01;
  for (int64_t i = 0; i < n; ++i) {
    const double x = float_at(in.data(), i, dtype);
    if (std::isfinite(x)) low = std::min(low, x), high = std::max(high, x);
  }
  if (std::get<bool>(spec.params.at("relative"))) bound *= high - low;
  int64_t wrong = 0;
  for (int64_t i = 0; i < n && wrong < 3; ++i) {
    const double x = float_at(in.data(), i, dtype), y = float_at(out.data(), i, dtype);
    const bool good = std::isnan(x) ? std::isnan(y) : x == y || (std::fabs(x - y) <= bound && x != 0 && y != 0);
    wrong += !good;
    EXPECT_TRUE(good) << to_string(spec) << ", " << to_string(dtype) << ", value " << i << ": " << x << " became " << y
                      << ", bound " << bound;
  }
  return payload->size();
}

constexpr DType kDTypes[] = {DType::kFloat32, DType::kBFloat16, DType::kFloat16};

}  // namespace cinch::testing
