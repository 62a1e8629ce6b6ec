#include "examples/train/progress_line.h"

#include <gtest/gtest.h>

namespace cinch::train {
namespace {

constexpr int64_t kMiB = 1 << 20;
const ProgressValues kValues{120, 300, 1.23456, 820.4, 35.2, 90 * kMiB, 100 * kMiB};

std::string without_escapes(const std::string& text) {
  std::string result;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\033')
      i = text.find('m', i);
    else
      result += text[i];
  }
  return result;
}

TEST(ProgressLine, AllOfItIn80Columns) {
  EXPECT_EQ(terminal_line(kValues, 80, false),
            "step 120/300  loss 1.2346  820 items/s  ETA 0:35  [##########..] 90 % of 100 MiB");
}

TEST(ProgressLine, PlainLinesHaveNoBar) {
  EXPECT_EQ(plain_line(kValues), "step 120/300  loss 1.2346  820 items/s  ETA 0:35  90 MiB of 100 MiB");
}

TEST(ProgressLine, NeverWiderThanTheTerminal) {
  const ProgressValues large{1'000'000, 3'000'000, 123.4567, 123456.7, 360'000, 12'345 * kMiB, 23'456 * kMiB};
  for (const ProgressValues& values : {kValues, large})
    for (int columns = 0; columns < 200; ++columns)
      for (const bool colour : {false, true})
        EXPECT_LE(without_escapes(terminal_line(values, columns, colour)).size(), static_cast<size_t>(columns));
}

TEST(ProgressLine, WhatHasNoRoomIsLeftOutTheRateFirst) {
  EXPECT_EQ(terminal_line(kValues, 71, false),
            "step 120/300  loss 1.2346  ETA 0:35  [##############..] 90 % of 100 MiB");
  EXPECT_EQ(terminal_line(kValues, 52, false), "step 120/300  loss 1.2346  [######.] 90 % of 100 MiB");
  EXPECT_EQ(terminal_line(kValues, 38, false), "step 120/300  [#####.] 90 % of 100 MiB");
  EXPECT_EQ(terminal_line(kValues, 20, false), "step 120/300");
  EXPECT_EQ(terminal_line(kValues, 4, false), "step");
}

TEST(ProgressLine, TheBarIsFullAtTheLimitAndTheColourChangesAboveIt) {
  ProgressValues values = kValues;
  values.peak_bytes = values.limit_bytes;
  EXPECT_NE(terminal_line(values, 100, true).find("\033[32m[########################] 100 %"), std::string::npos);
  values.peak_bytes = values.limit_bytes + 1;
  EXPECT_NE(terminal_line(values, 100, true).find("\033[31m[########################] 101 %"), std::string::npos);
}

TEST(ProgressLine, WithoutALimitThereIsNoBar) {
  ProgressValues values = kValues;
  values.limit_bytes = 0;
  EXPECT_EQ(terminal_line(values, 80, true), "step 120/300  loss 1.2346  820 items/s  ETA 0:35  90 MiB");
}

}  // namespace
}  // namespace cinch::train
