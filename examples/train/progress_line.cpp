#include "examples/train/progress_line.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <vector>

#include "cinch/budget.h"

namespace cinch::train {
namespace {

// Cells between the brackets.
constexpr int kShortestBar = 4, kLongestBar = 24;

std::string clock_text(double seconds) {
  const auto total = static_cast<long long>(std::clamp(seconds, 0.0, 3.6e8) + 0.5);
  char text[48];
  if (total >= 3600)
    std::snprintf(text, sizeof text, "%lld:%02lld:%02lld", total / 3600, total / 60 % 60, total % 60);
  else
    std::snprintf(text, sizeof text, "%lld:%02lld", total / 60, total % 60);
  return text;
}

template <typename... Values>
std::string text_of(const char* format, Values... values) {
  char text[96];
  std::snprintf(text, sizeof text, format, values...);
  return text;
}

// In the order in which they are shown.
struct Parts {
  std::string step, loss, rate, left;
};

Parts parts_of(const ProgressValues& v) {
  return {text_of("step %lld/%lld", static_cast<long long>(v.done), static_cast<long long>(v.steps)),
          text_of("loss %.4f", v.loss), text_of("%.0f items/s", v.items_per_second),
          "ETA " + clock_text(v.seconds_left)};
}

std::string joined(const std::vector<std::string>& parts) {
  std::string line;
  for (const std::string& part : parts) line += (line.empty() ? "" : "  ") + part;
  return line;
}

}  // namespace

std::string plain_line(const ProgressValues& values) {
  const Parts parts = parts_of(values);
  std::string bytes = format_bytes(values.peak_bytes);
  if (values.limit_bytes > 0) bytes += " of " + format_bytes(values.limit_bytes);
  return joined({parts.step, parts.loss, parts.rate, parts.left, bytes});
}

std::string terminal_line(const ProgressValues& values, int columns, bool colour) {
  const Parts parts = parts_of(values);
  const bool limited = values.limit_bytes > 0;
  const double share = limited ? static_cast<double>(values.peak_bytes) / static_cast<double>(values.limit_bytes) : 0.0;
  const std::string bytes = limited
                                ? text_of("%.0f %% of ", std::ceil(100.0 * share)) + format_bytes(values.limit_bytes)
                                : format_bytes(values.peak_bytes);
  const std::vector<std::vector<std::string>> choices = {{parts.step, parts.loss, parts.rate, parts.left},
                                                         {parts.step, parts.loss, parts.left},
                                                         {parts.step, parts.loss},
                                                         {parts.step}};
  for (const auto& shown : choices) {
    std::string line = joined(shown);
    const auto words = static_cast<int>(line.size() + bytes.size()) + (limited ? 5 : 2);  // blanks and brackets too
    if (columns - words < (limited ? kShortestBar : 0)) continue;
    line += "  ";
    if (colour && limited) line += values.peak_bytes <= values.limit_bytes ? "\033[32m" : "\033[31m";
    if (limited) {
      const int bar = std::min(kLongestBar, columns - words);
      const int full = std::clamp(static_cast<int>(share * bar), 0, bar);
      line +=
          "[" + std::string(static_cast<size_t>(full), '#') + std::string(static_cast<size_t>(bar - full), '.') + "] ";
    }
    line += bytes;
    if (colour && limited) line += "\033[0m";
    return line;
  }
  return parts.step.substr(0, static_cast<size_t>(std::max(columns, 0)));
}

}  // namespace cinch::train
