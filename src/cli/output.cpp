#include "src/cli/output.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "cinch/error.h"
#include "planner/file_io.h"
#include "planner/json_reader.h"

namespace cinch::cli {
namespace {

std::string three_digits(double value, const char* unit) {
  char text[48];
  std::snprintf(text, sizeof text, value >= 99.95 ? "%.0f %s" : "%.3g %s", value, unit);
  return text;
}

// Both ends tell more than the middle.
std::string cut(const std::string& text, size_t width) {
  if (text.size() <= width) return text;
  const size_t tail = (width - 2) / 2;
  return text.substr(0, width - 2 - tail) + ".." + text.substr(text.size() - tail);
}

}  // namespace

void check_target(const std::string& target) {
  if (target != "-") planner::check_file_can_be_written(target);
}

void write_text(const std::string& text, const std::string& target) {
  if (target != "-") return planner::write_file_atomically(target, text);
  std::cout << text << std::flush;
  if (!std::cout) throw Error("standard output cannot be written");
}

void write_json(const nlohmann::ordered_json& document, const std::string& target) {
  write_text(planner::json_text(document), target);
}

void report(const std::string& text, const nlohmann::ordered_json& document, const std::string& json_target) {
  if (!json_target.empty()) write_json(document, json_target);
  if (json_target != "-") write_text(text, "-");
}

std::string percent(double share) { return three_digits(100 * share, "%"); }

std::string percent_or_less(double share) { return share > 0 && share < 1e-4 ? "<0.01 %" : percent(share); }

std::string wrapped(const std::string& lines) {
  constexpr size_t kWidth = 80;
  std::string out;
  for (size_t begin = 0; begin < lines.size();) {
    const size_t end = std::min(lines.find('\n', begin), lines.size());
    std::string line = lines.substr(begin, end - begin);
    begin = end + 1;
    const size_t gap = line.find("  ");
    const size_t column = gap == std::string::npos ? 0 : std::min(line.find_first_not_of(' ', gap), line.size());
    const size_t indent = column < kWidth / 2 ? column : 0;
    while (line.size() > kWidth) {
      const size_t comma = line.rfind(", ", kWidth - 1);
      const size_t blank =
          comma != std::string::npos && comma > indent + kWidth / 4 ? comma + 1 : line.rfind(' ', kWidth);
      // A word that is too long itself has a line of its own.
      const size_t cut = blank == std::string::npos || blank <= indent ? line.find(' ', kWidth) : blank;
      if (cut == std::string::npos) break;
      out += line.substr(0, cut) + "\n";
      line = std::string(indent, ' ') + line.substr(cut + 1);
    }
    out += line + "\n";
  }
  return out;
}

size_t text_columns() {
  winsize size{};
  constexpr size_t kNarrowest = 80, kElsewhere = 120;
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return kElsewhere;
  return std::max<size_t>(kNarrowest, size.ws_col);
}

std::string duration(double seconds) {
  if (seconds >= 1) return three_digits(seconds, "s");
  if (seconds >= 1e-3 || seconds == 0) return three_digits(1e3 * seconds, "ms");
  return three_digits(1e6 * seconds, "us");
}

std::string counted(size_t number, const std::string& noun) {
  return std::to_string(number) + " " + noun + (number == 1 ? "" : "s");
}

std::string table(const std::vector<Column>& columns, const std::vector<std::vector<std::string>>& rows, size_t width) {
  std::vector<size_t> widths;
  for (size_t c = 0; c < columns.size(); ++c) {
    widths.push_back(columns[c].title.size());
    for (const auto& row : rows) widths[c] = std::max(widths[c], row[c].size());
  }
  size_t total = 2 * (columns.size() - 1);
  for (const size_t w : widths) total += w;
  for (; total > width; --total) {
    size_t widest = columns.size();
    for (size_t c = 0; c < columns.size(); ++c)
      if (columns[c].narrowest > 0 && widths[c] > std::max(columns[c].narrowest, columns[c].title.size()) &&
          (widest == columns.size() || widths[c] > widths[widest]))
        widest = c;
    if (widest == columns.size()) break;
    --widths[widest];
  }
  std::string out;
  const auto line = [&](const auto& cell) {
    std::string text;
    for (size_t c = 0; c < columns.size(); ++c) {
      const std::string content = cut(cell(c), widths[c]), blanks(widths[c] - content.size(), ' ');
      text += (c == 0 ? "" : "  ") + (columns[c].right ? blanks + content : content + blanks);
    }
    text.erase(text.find_last_not_of(' ') + 1);
    out += text + "\n";
  };
  line([&](size_t c) { return columns[c].title; });
  for (const auto& row : rows) line([&](size_t c) { return row[c]; });
  return out;
}

}  // namespace cinch::cli
