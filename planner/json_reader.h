/// Reads JSON documents strictly and tells where something is wrong: file, JSON pointer, what was expected.
/// Duplicate keys, comments, numbers out of range and nesting deeper than 64 are errors.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "cinch/error.h"

namespace cinch::planner {

/// Parses a whole document. Throws JsonError with line and column.
nlohmann::json parse_json(const std::string& text, const std::string& file);

/// A value in a document together with its place. Refers to the document, which must outlive it.
class JsonNode {
 public:
  JsonNode(const nlohmann::json& value, std::string file)
      : value_(&value), file_(std::make_shared<std::string>(std::move(file))) {}

  /// Throws the JsonError for this place: "expected `expected`, found ...".
  [[noreturn]] void fail(const std::string& expected) const;
  /// The same with a message of its own.
  [[noreturn]] void fail_with(const std::string& message) const;

  const nlohmann::json& raw() const { return *value_; }
  bool is_null() const { return value_->is_null(); }
  bool is_object() const { return value_->is_object(); }
  bool is_string() const { return value_->is_string(); }
  bool is_number() const { return value_->is_number(); }

  /// Member `key` of an object; fails where it is missing.
  JsonNode at(const std::string& key) const;
  std::optional<JsonNode> find(const std::string& key) const;
  std::vector<JsonNode> elements() const;
  /// Fails at the first member that is none of `keys`.
  void allow_only(std::initializer_list<std::string_view> keys) const;
  void require_object() const;

  std::string text() const;
  bool boolean() const;
  int64_t integer(int64_t lowest, int64_t highest) const;
  int64_t bytes() const { return integer(0, INT64_C(1) << 62); }
  double number(double lowest, double highest) const;
  /// A number, or "inf", "-inf", "nan": JSON itself has no words for these.
  double any_number() const;

 private:
  JsonNode(const nlohmann::json& value, std::shared_ptr<std::string> file, std::string pointer)
      : value_(&value), file_(std::move(file)), pointer_(std::move(pointer)) {}

  const nlohmann::json* value_;
  std::shared_ptr<std::string> file_;
  std::string pointer_;
};

/// Fails unless the document is an object whose "schema" is `schema`.
void require_schema(const JsonNode& document, const std::string& schema);

/// A number that JSON can carry; throws Error naming `what` where it is NaN or infinite.
double finite(double value, const char* what);
/// The inverse of any_number.
nlohmann::ordered_json any_number_json(double value);
/// Indented text with a newline at its end; bytes that are no UTF-8 are replaced.
std::string json_text(const nlohmann::ordered_json& json);

}  // namespace cinch::planner
