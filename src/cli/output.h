// What commands write: tables and figures for people, JSON documents for programs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace cinch::cli {

// Throws Error when `target` ("-": standard output, otherwise a path) cannot be written. Leaves nothing behind. For
// before the work.
void check_target(const std::string& target);
// Writes to standard output ("-") or replaces the file at once. Throws Error.
void write_text(const std::string& text, const std::string& target);
void write_json(const nlohmann::ordered_json& document, const std::string& target);

// Where figures go: as text to standard output, and as JSON where it was asked for. JSON on standard output takes the
// place of the text.
void report(const std::string& text, const nlohmann::ordered_json& document, const std::string& json_target);

// "12.3 %" of a share, "0 %" of nothing; three digits.
std::string percent(double share);
// The same, but for what is too little to matter: "<0.01 %".
std::string percent_or_less(double share);
// "1.61 ms", "2.5 s"; three digits.
std::string duration(double seconds);
// "3 rules", "1 rule".
std::string counted(size_t number, const std::string& noun);

// Lines of more than 80 letters go on in the next one, after a comma where there is one, indented as far as what
// follows their first two blanks in a row. Not for tables.
std::string wrapped(const std::string& lines);

// Columns of the terminal that standard output is, 120 where it is none.
size_t text_columns();

struct Column {
  std::string title;
  bool right = false;    // numbers
  size_t narrowest = 0;  // may be cut in the middle down to this many letters; 0: never
};
// Rows below titles, two blanks apart. Where it would be wider than `width`, the columns that may be are cut, the
// widest first; without any the table is as wide as it is.
std::string table(const std::vector<Column>& columns, const std::vector<std::vector<std::string>>& rows, size_t width);

}  // namespace cinch::cli
