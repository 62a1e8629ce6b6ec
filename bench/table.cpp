#include "bench/table.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <numeric>
#include <set>
#include <utility>
#include <vector>

namespace cinch::bench {
namespace {

std::string cell(const nlohmann::json& row, const std::string& column) {
  const auto found = row.find(column);
  if (found == row.end() || found->is_null()) return "-";
  if (found->is_string()) return found->get<std::string>();
  if (found->is_number_float()) {
    char text[32];
    std::snprintf(text, sizeof text, "%.4g", found->get<double>());
    return text;
  }
  if (found->is_object() && found->contains("name")) {
    std::string text = (*found)["name"];
    for (const auto& [key, value] : found->items()) {
      if (key != "name") text += " " + key + "=" + (value.is_string() ? value.get<std::string>() : value.dump());
    }
    return text;
  }
  return found->dump();
}

constexpr size_t kGap = 2;           // blanks between columns
constexpr size_t kLongestText = 30;  // what is longer may be folded

// Titles, then the rows.
using Cells = std::vector<std::vector<std::string>>;
using Widths = std::vector<size_t>;   // of all columns
using Columns = std::vector<size_t>;  // those of a block

// At most `width` letters a line, broken at a blank or behind an underscore where there is one.
std::vector<std::string> folded(std::string rest, size_t width) {
  std::vector<std::string> lines;
  while (rest.size() > width) {
    size_t end = width, next = width;
    for (size_t i = width; i > 0; --i) {
      if (rest[i] != ' ' && rest[i - 1] != '_') continue;
      end = i;
      next = rest[i] == ' ' ? i + 1 : i;
      break;
    }
    lines.push_back(rest.substr(0, end));
    rest.erase(0, next);
  }
  lines.push_back(rest);
  return lines;
}

size_t longest_word(const std::string& title) {
  size_t longest = 0, begin = 0;
  for (size_t i = 1; i <= title.size(); ++i) {
    if (i < title.size() && title[i - 1] != '_') continue;
    longest = std::max(longest, i - begin);
    begin = i;
  }
  return longest;
}

size_t total(const Widths& widths) {
  return std::accumulate(widths.begin(), widths.end(), kGap * (widths.empty() ? 0 : widths.size() - 1));
}

// Such that titles are whole, or folded as far as can be, and texts take no more than `longest_text`.
Widths widths_of(const Cells& cells, bool whole_titles, size_t longest_text) {
  Widths widths;
  for (size_t c = 0; c < cells.front().size(); ++c) {
    const std::string& title = cells.front()[c];
    widths.push_back(whole_titles ? title.size() : longest_word(title));
    for (size_t r = 1; r < cells.size(); ++r)
      widths[c] = std::max(widths[c], std::min(cells[r][c].size(), longest_text));
  }
  return widths;
}

// Takes from the widest columns first, until all of them fit or none can give more.
Widths shrunk(Widths widths, const Widths& narrowest, size_t width) {
  for (size_t all = total(widths); all > width; --all) {
    size_t widest = widths.size();
    for (size_t c = 0; c < widths.size(); ++c)
      if (widths[c] > narrowest[c] && (widest == widths.size() || widths[c] > widths[widest])) widest = c;
    if (widest == widths.size()) break;
    --widths[widest];
  }
  return widths;
}

// How many of the first columns tell all rows apart; 0: none do in half of the width.
size_t key_columns(const Cells& cells, const Widths& widths, size_t width) {
  std::vector<std::string> keys(cells.size() - 1);
  size_t used = 0;
  for (size_t c = 0; c < widths.size(); ++c) {
    used += widths[c] + (c == 0 ? 0 : kGap);
    if (used > width / 2) return 0;
    for (size_t r = 0; r < keys.size(); ++r) keys[r] += cells[r + 1][c] + '\n';
    if (std::set<std::string>(keys.begin(), keys.end()).size() == keys.size()) return c + 1;
  }
  return 0;
}

std::string block(const Cells& cells, const Widths& widths, const Columns& shown) {
  std::string text;
  for (const auto& row : cells) {
    std::vector<std::vector<std::string>> columns;
    size_t lines = 1;
    for (const size_t c : shown) {
      columns.push_back(folded(row[c], widths[c]));
      lines = std::max(lines, columns.back().size());
    }
    for (size_t l = 0; l < lines; ++l) {
      std::string line;
      for (size_t i = 0; i < shown.size(); ++i) {
        const std::string part = l < columns[i].size() ? columns[i][l] : "";
        line += part + std::string(widths[shown[i]] - part.size() + kGap, ' ');
      }
      line.erase(line.find_last_not_of(' ') + 1);
      text += line + "\n";
    }
  }
  return text;
}

// Blocks of columns that each begin with the first `keys` of them, no wider than `width` unless one alone is.
std::vector<Columns> divided(const Widths& widths, size_t keys, size_t width) {
  std::vector<Columns> blocks;
  size_t used = 0;
  for (size_t c = keys; c < widths.size(); ++c) {
    if (blocks.empty() || used + kGap + widths[c] > width) {
      blocks.emplace_back(keys);
      std::iota(blocks.back().begin(), blocks.back().end(), 0);
      used = total(Widths(widths.begin(), widths.begin() + static_cast<std::ptrdiff_t>(keys)));
    }
    blocks.back().push_back(c);
    used += kGap + widths[c];
  }
  return blocks;
}

// In as few blocks as can be, with whole titles if that takes no more, and as even as that allows.
std::string in_blocks(const Cells& cells, size_t keys, size_t width) {
  Widths widths = widths_of(cells, false, kLongestText);
  std::vector<Columns> blocks = divided(widths, keys, width);
  const Widths roomy = widths_of(cells, true, kLongestText);
  if (divided(roomy, keys, width).size() == blocks.size()) widths = roomy;
  for (size_t even = width; even > 0; --even) {
    std::vector<Columns> other = divided(widths, keys, even);
    if (other.size() > blocks.size()) break;
    blocks = std::move(other);
  }
  std::string text;
  for (const Columns& shown : blocks) text += (text.empty() ? "" : "\n") + block(cells, widths, shown);
  return text;
}

}  // namespace

size_t screen_columns() {
  winsize size{};
  constexpr size_t kNarrowest = 80;
  return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? std::max<size_t>(kNarrowest, size.ws_col) : kNarrowest;
}

std::string to_table(const SuiteResult& result, size_t width) {
  Cells cells{result.columns};
  for (const auto& row : result.rows) {
    cells.emplace_back();
    for (const std::string& column : result.columns) cells.back().push_back(cell(row, column));
  }
  const Widths narrowest = widths_of(cells, false, kLongestText);
  const Widths widths = shrunk(widths_of(cells, true, std::string::npos), narrowest, width);
  if (total(widths) <= width) {
    Columns all(widths.size());
    std::iota(all.begin(), all.end(), 0);
    return block(cells, widths, all);
  }
  if (const size_t keys = key_columns(cells, narrowest, width); keys > 0) return in_blocks(cells, keys, width);
  for (size_t r = 0; r < cells.size(); ++r) cells[r].insert(cells[r].begin(), r == 0 ? "row" : std::to_string(r));
  return in_blocks(cells, 1, width);
}

}  // namespace cinch::bench
