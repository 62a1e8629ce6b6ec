// Differences along axes against one value at a time, and back, on every instruction set.
#include "src/codec/entropy_coded/neighbours.h"

#include <gtest/gtest.h>

#include <random>

#include "src/codec/entropy_coded/levels.h"
#include "tests/contract/support.h"

namespace cinch::testing {
namespace {

using codec::Axes;
using codec::Axis;
using codec::kLevelSlack;

std::vector<int16_t> noise(int64_t count, uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<int16_t> v(static_cast<size_t>(count + kLevelSlack));
  for (int16_t& x : v) x = static_cast<int16_t>(random());
  return v;
}

int16_t difference(const std::vector<int16_t>& in, const Axis& axis, int64_t first, int64_t i) {
  const bool alone = (first + i) % axis.period < axis.stride || i < axis.stride;
  const int before = alone ? 0 : in[static_cast<size_t>(i - axis.stride)];
  return static_cast<int16_t>(in[static_cast<size_t>(i)] - before);
}

TEST(Neighbours, DifferencesAreThoseOfOneValueAtATimeAndSumsUndoThem) {
  on_every_instruction_set([&](const std::string&) {
    for (const int64_t stride : {1, 2, 3, 7, 8, 15, 16, 17, 31, 40, 64, 1500})
      for (const int64_t length : {2, 3, 4, 7, 28, 33, 5000})
        for (const int64_t first : {int64_t{0}, int64_t{1}, stride, 5 * stride - 1, stride * length * 3 + 2}) {
          const Axis axis{stride, stride * length};
          const int64_t count = 1111;
          const auto in = noise(count, static_cast<uint32_t>(stride * length + first));
          // In two parts, as chunks take them.
          auto out = noise(count, 1), back = noise(count, 2);
          codec::to_differences(axis, 0, 512, first, in.data(), out.data());
          codec::to_differences(axis, 512, count, first, in.data(), out.data());
          for (int64_t i = 0; i < count; ++i)
            ASSERT_EQ(out[static_cast<size_t>(i)], difference(in, axis, first, i))
                << "stride " << stride << ", length " << length << ", first " << first << ", value " << i;
          codec::from_differences(axis, count, first, out.data(), back.data());
          for (int64_t i = 0; i < count; ++i)
            ASSERT_EQ(back[static_cast<size_t>(i)], in[static_cast<size_t>(i)])
                << "stride " << stride << ", length " << length << ", first " << first << ", value " << i;
        }
  });
}

TEST(Neighbours, AxesAreThoseOfMoreThanOnePosition) {
  const auto expect = [](const Grid& grid, const std::vector<std::pair<int64_t, int64_t>>& expected) {
    std::vector<std::pair<int64_t, int64_t>> found;
    for (const Axes axes(grid); const Axis& a : axes.all()) found.emplace_back(a.stride, a.period);
    EXPECT_EQ(found, expected);
  };
  expect({6, {1, 1, 1}, 1, 6}, {});
  expect({6, {1, 1, 9}, 1, 1}, {{1, 9}});
  expect({6, {1, 5, 9}, 1, 6}, {{1, 9}, {9, 45}});
  expect({6, {1, 5, 9}, 4, 1}, {{4, 36}, {36, 180}});
  expect({6, {2, 1, 9}, 1, 6}, {{1, 9}, {9, 18}});
  expect({6, {2, 5, 9}, 1, 6}, {{1, 9}, {9, 45}, {45, 90}});
}

}  // namespace
}  // namespace cinch::testing
