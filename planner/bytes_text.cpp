#include "planner/bytes_text.h"

#include <array>
#include <charconv>
#include <cmath>
#include <utility>

#include "cinch/budget.h"
#include "cinch/error.h"
#include "src/core/bytes_text.h"

namespace cinch {
namespace planner {

std::optional<double> parse_number(std::string_view text) noexcept {
  double value = 0;
  const char* end = text.data() + text.size();
  auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end || !std::isfinite(value)) return std::nullopt;
  return value;
}

std::optional<double> parse_percent(std::string_view text) noexcept {
  if (text.empty() || text.back() != '%') return std::nullopt;
  auto value = parse_number(trimmed(text.substr(0, text.size() - 1)));
  if (value) *value /= 100.0;
  return value;
}

std::string_view trimmed(std::string_view text) noexcept {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

}  // namespace planner

int64_t parse_bytes(const std::string& text) {
  static constexpr std::array<std::pair<std::string_view, double>, 18> kUnits{{{"", 1.0},
                                                                               {"B", 1.0},
                                                                               {"KiB", 1024.0},
                                                                               {"MiB", 1048576.0},
                                                                               {"GiB", 1073741824.0},
                                                                               {"TiB", 1099511627776.0},
                                                                               {"Ki", 1024.0},
                                                                               {"Mi", 1048576.0},
                                                                               {"Gi", 1073741824.0},
                                                                               {"Ti", 1099511627776.0},
                                                                               {"KB", 1e3},
                                                                               {"kB", 1e3},
                                                                               {"MB", 1e6},
                                                                               {"GB", 1e9},
                                                                               {"TB", 1e12},
                                                                               {"kib", 1024.0},
                                                                               {"mib", 1048576.0},
                                                                               {"gib", 1073741824.0}}};
  const std::string_view whole = planner::trimmed(text);
  const size_t digits = whole.find_first_not_of("0123456789.+-eE");
  const std::string_view unit = digits == whole.npos ? "" : planner::trimmed(whole.substr(digits));
  const auto value = planner::parse_number(planner::trimmed(whole.substr(0, digits)));
  for (const auto& [name, factor] : kUnits) {
    if (!value || unit != name) continue;
    const double bytes = *value * factor;
    if (bytes < 0 || bytes >= 9.2e18) throw Error("\"" + text + "\" is not a number of bytes between 0 and 2^63");
    return static_cast<int64_t>(std::llround(bytes));
  }
  throw Error("\"" + text + "\" is not a number of bytes: write a number with B, KiB, MiB, GiB, TiB, KB, MB, GB or TB");
}

std::string format_bytes(int64_t bytes) { return bytes_text(bytes); }

bool glob_match(const std::string& pattern, const std::string& text) {
  size_t p = 0, t = 0, star = std::string::npos, resume = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = t;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
      ++p;
      ++t;
    } else if (star != std::string::npos) {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

}  // namespace cinch
