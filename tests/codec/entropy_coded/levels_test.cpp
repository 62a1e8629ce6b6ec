// Levels of values against one value at a time, where they are easy to get wrong: about the edges of cells, for levels
// near and far, on every instruction set.
#include "src/codec/entropy_coded/levels.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "tests/contract/support.h"

namespace cinch::testing {
namespace {

using codec::Levels;

constexpr float kInfinity = std::numeric_limits<float>::infinity();

// About the middles between levels and the levels themselves, far beyond those that are taken for sure, and what no
// level holds.
std::vector<float> hard_values(const Levels& l) {
  std::vector<float> values{0.0f, -0.0f, kInfinity, -kInfinity, std::nanf(""), 1e-42f, -1e-42f, 3e38f, -3e38f};
  for (int half = -600; half <= 600; ++half) {
    const auto at = static_cast<float>(static_cast<double>(l.origin) + static_cast<double>(l.step) * half / 2);
    values.push_back(at);
    float above = at, below = at;
    for (int ulp = 0; ulp < 4; ++ulp) {
      values.push_back(above = std::nextafter(above, kInfinity));
      values.push_back(below = std::nextafter(below, -kInfinity));
    }
  }
  for (const double far : {1e3, 32765.4, 32766.5, 32767.5, 4e6, 1e12})
    for (const double sign : {-1.0, 1.0})
      values.push_back(static_cast<float>(static_cast<double>(l.origin) + sign * far * static_cast<double>(l.step)));
  return values;
}

struct Numbered {
  int16_t number;
  bool held;
};

Numbered number_of(float x, const Levels& l) {
  if (std::isnan(x)) return {1, false};
  const float t = std::clamp((x - l.origin) * (1.0f / l.step), -32766.0f, 32766.0f);
  const float k = std::nearbyint(t), product = k * l.step, y = product + l.origin;
  const int number = static_cast<int>(k);
  if (x == 0.0f && l.zeros) return {0, true};
  return {static_cast<int16_t>(l.zeros && number >= 0 ? number + 1 : number),
          std::abs(x - y) < l.bound && y != 0.0f && x != 0.0f};
}

TEST(Levels, AreThoseOfOneValueAtATime) {
  on_every_instruction_set([](const std::string&) {
    size_t missed_in_all = 0, held_in_all = 0;
    for (const float bound : {1e-25f, 0.003f, 0.5f, 7.0f, 1e20f})
      // Of the bound: as steps are made, as no level that is near could be looked at unseen, and far too large.
      for (const float share : {2 * (1 - 0x1p-12f), 2 * (1 - 0x1p-14f), 2.0f, 3.0f})
        for (const float origin : {0.5f, 0x1p-6f, 0.0f, 1 - 0x1p-9f, 1.0f, 37.0f, 37.25f, 100'000.3f})
          for (const bool zeros : {false, true}) {
            const float step = bound * share;
            const Levels l{step, step * origin, bound, zeros};
            const std::vector<float> values = hard_values(l);
            const auto count = static_cast<int64_t>(values.size());
            std::vector<int16_t> numbers(values.size() + codec::kLevelSlack);
            std::vector<uint16_t> missed(values.size());
            missed.resize(static_cast<size_t>(
                codec::values_to_levels(values.data(), DType::kFloat32, count, l, numbers.data(), missed.data())));
            std::vector<float> decoded(values.size());
            codec::levels_to_values(numbers.data(), count, l, DType::kFloat32, decoded.data(), false);
            std::vector<uint16_t> expected;
            for (size_t i = 0; i < values.size(); ++i) {
              const float x = values[i];
              const Numbered one = number_of(x, l);
              ASSERT_EQ(numbers[i], one.number) << x << " / " << l.step << " from " << l.origin;
              if (!one.held) {
                expected.push_back(static_cast<uint16_t>(i));
                continue;
              }
              ASSERT_LE(std::abs(static_cast<double>(x) - static_cast<double>(decoded[i])), static_cast<double>(bound));
              ASSERT_EQ(x == 0.0f, decoded[i] == 0.0f) << x;
            }
            ASSERT_EQ(missed, expected) << "step " << l.step << ", origin " << l.origin << ", bound " << bound;
            missed_in_all += missed.size();
            held_in_all += values.size() - missed.size();
          }
    EXPECT_GT(missed_in_all, 1000u);
    EXPECT_GT(held_in_all, 100000u);
  });
}

}  // namespace
}  // namespace cinch::testing
