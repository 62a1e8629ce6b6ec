/// Strict number texts, as people write them in budgets. Never throws, never reads the locale.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace cinch::planner {

/// The whole of `text` as a finite decimal number, or nothing.
std::optional<double> parse_number(std::string_view text) noexcept;
/// "12.5%" -> 0.125, or nothing.
std::optional<double> parse_percent(std::string_view text) noexcept;
/// Without blanks at both ends.
std::string_view trimmed(std::string_view text) noexcept;

}  // namespace cinch::planner
