/// The words of the progress line.
#pragma once

#include <cstdint>
#include <string>

namespace cinch::train {

struct ProgressValues {
  int64_t done = 0, steps = 0;
  double loss = 0, items_per_second = 0, seconds_left = 0;
  int64_t peak_bytes = 0;   ///< of the last step
  int64_t limit_bytes = 0;  ///< 0: none
};

/// For a pipe or a file: everything, without a bar.
std::string plain_line(const ProgressValues& values);
/// For a terminal that is `columns` wide: with a bar of the bytes in use against the limit, as long as there is room
/// for one. What has no room is left out, the rate first. `colour`: with escapes, which take no room.
std::string terminal_line(const ProgressValues& values, int columns, bool colour);

}  // namespace cinch::train
