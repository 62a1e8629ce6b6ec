#include "planner/json_reader.h"

#include <cmath>
#include <limits>
#include <set>

namespace cinch::planner {
namespace {

constexpr size_t kDeepest = 64;

std::string escaped(const std::string& key) {
  std::string out;
  for (char c : key) {
    if (c == '~')
      out += "~0";
    else if (c == '/')
      out += "~1";
    else
      out += c;
  }
  return out;
}

// Follows the parser through the document, to find duplicate keys and to know where a number stood.
class Walk {
 public:
  explicit Walk(const std::string& file) : file_(file) {}

  bool operator()(int, nlohmann::json::parse_event_t event, nlohmann::json& parsed) {
    using Event = nlohmann::json::parse_event_t;
    switch (event) {
      case Event::object_start:
      case Event::array_start:
        next_element();
        if (frames_.size() >= kDeepest) throw JsonError(file_, pointer(), "nested deeper than 64 levels");
        frames_.push_back({event == Event::array_start, 0, "", {}});
        break;
      case Event::object_end:
      case Event::array_end:
        frames_.pop_back();
        break;
      case Event::key: {
        Frame& frame = frames_.back();
        frame.key = parsed.get<std::string>();
        if (!frame.keys.insert(frame.key).second) throw JsonError(file_, pointer(), "duplicate key");
        break;
      }
      case Event::value:
        next_element();
        break;
    }
    return true;
  }

  std::string pointer() const {
    std::string out;
    for (const Frame& frame : frames_) {
      out += '/';
      out += frame.array ? std::to_string(frame.count == 0 ? 0 : frame.count - 1) : escaped(frame.key);
    }
    return out;
  }

 private:
  struct Frame {
    bool array;
    size_t count;
    std::string key;
    std::set<std::string> keys;
  };
  void next_element() {
    if (!frames_.empty() && frames_.back().array) ++frames_.back().count;
  }

  const std::string& file_;
  std::vector<Frame> frames_;
};

// The library's text without its own prefix: "line 3, column 5: syntax error ...".
std::string reason(const char* what) {
  std::string text = what;
  if (const size_t end = text.find("] "); end != text.npos) text.erase(0, end + 2);
  if (const size_t at = text.find("line "); text.rfind("parse error at ", 0) == 0 && at != text.npos) text.erase(0, at);
  return text;
}

std::string describe(const nlohmann::json& value) {
  if (value.is_object() || value.is_array() || value.is_null()) return value.type_name();
  std::string text = value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  return text.size() <= 60 ? text : text.substr(0, 57) + "...";
}

}  // namespace

nlohmann::json parse_json(const std::string& text, const std::string& file) {
  Walk walk(file);
  try {
    return nlohmann::json::parse(text, [&](int depth, nlohmann::json::parse_event_t event, nlohmann::json& parsed) {
      return walk(depth, event, parsed);
    });
  } catch (const nlohmann::json::parse_error& error) {
    throw JsonError(file, "", "malformed JSON at " + reason(error.what()));
  } catch (const nlohmann::json::exception& error) {
    throw JsonError(file, walk.pointer(), reason(error.what()));
  }
}

void JsonNode::fail(const std::string& expected) const {
  throw JsonError(*file_, pointer_, "expected " + expected + ", found " + describe(*value_));
}

void JsonNode::fail_with(const std::string& message) const { throw JsonError(*file_, pointer_, message); }

void JsonNode::require_object() const {
  if (!value_->is_object()) fail("an object");
}

std::optional<JsonNode> JsonNode::find(const std::string& key) const {
  require_object();
  const auto it = value_->find(key);
  if (it == value_->end()) return std::nullopt;
  return JsonNode(*it, file_, pointer_ + '/' + escaped(key));
}

JsonNode JsonNode::at(const std::string& key) const {
  auto found = find(key);
  if (!found) throw JsonError(*file_, pointer_ + '/' + escaped(key), "missing");
  return *std::move(found);
}

std::vector<JsonNode> JsonNode::elements() const {
  if (!value_->is_array()) fail("an array");
  std::vector<JsonNode> out;
  out.reserve(value_->size());
  for (size_t i = 0; i < value_->size(); ++i)
    out.push_back(JsonNode((*value_)[i], file_, pointer_ + '/' + std::to_string(i)));
  return out;
}

void JsonNode::allow_only(std::initializer_list<std::string_view> keys) const {
  require_object();
  for (const auto& item : value_->items()) {
    bool known = false;
    std::string list;
    for (std::string_view key : keys) {
      known = known || key == item.key();
      list += (list.empty() ? "" : ", ") + std::string(key);
    }
    if (!known) throw JsonError(*file_, pointer_ + '/' + escaped(item.key()), "unknown key; known here: " + list);
  }
}

std::string JsonNode::text() const {
  if (!value_->is_string()) fail("a text");
  return value_->get<std::string>();
}

bool JsonNode::boolean() const {
  if (!value_->is_boolean()) fail("true or false");
  return value_->get<bool>();
}

int64_t JsonNode::integer(int64_t lowest, int64_t highest) const {
  const auto expected = [&] { return "an integer from " + std::to_string(lowest) + " to " + std::to_string(highest); };
  if (value_->is_number_float()) {
    // 8e9 is a float to the parser and a whole number to people.
    const double value = value_->get<double>();
    if (std::floor(value) != value || std::fabs(value) > 9e15) fail(expected());
    const auto whole = static_cast<int64_t>(value);
    if (whole < lowest || whole > highest) fail(expected());
    return whole;
  }
  if (!value_->is_number_integer()) fail(expected());
  if (value_->is_number_unsigned() &&
      value_->get<uint64_t>() > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()))
    fail(expected());
  const auto value = value_->get<int64_t>();
  if (value < lowest || value > highest) fail(expected());
  return value;
}

double JsonNode::number(double lowest, double highest) const {
  const auto shown = [](double v) { return nlohmann::json(v).dump(); };
  const auto expected = [&] {
    if (highest < std::numeric_limits<double>::max()) return "a number from " + shown(lowest) + " to " + shown(highest);
    return lowest > -std::numeric_limits<double>::max() ? "a number of at least " + shown(lowest)
                                                        : std::string("a number");
  };
  if (!value_->is_number()) fail(expected());
  const double value = value_->get<double>();
  if (!(value >= lowest && value <= highest)) fail(expected());
  return value;
}

double JsonNode::any_number() const {
  if (value_->is_string()) {
    const auto word = value_->get<std::string>();
    if (word == "inf") return std::numeric_limits<double>::infinity();
    if (word == "-inf") return -std::numeric_limits<double>::infinity();
    if (word == "nan") return std::numeric_limits<double>::quiet_NaN();
    fail("a number, \"inf\", \"-inf\" or \"nan\"");
  }
  return number(std::numeric_limits<double>::lowest(), std::numeric_limits<double>::max());
}

void require_schema(const JsonNode& document, const std::string& schema) {
  document.require_object();
  const JsonNode found = document.at("schema");
  if (found.text() != schema) found.fail('"' + schema + '"');
}

double finite(double value, const char* what) {
  if (!std::isfinite(value)) throw Error(std::string(what) + " is not a finite number and cannot be written as JSON");
  return value;
}

nlohmann::ordered_json any_number_json(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  return value;
}

std::string json_text(const nlohmann::ordered_json& json) {
  return json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace cinch::planner
