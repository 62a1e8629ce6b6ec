#include "planner/spec_json.h"

#include "cinch/error.h"

namespace cinch::planner {
namespace {

CodecSpec normalised_or_same(const CodecSpec& spec) {
  try {
    return normalise(spec);
  } catch (const CodecError&) {
    return spec;
  }
}

}  // namespace

nlohmann::ordered_json spec_to_json(const CodecSpec& spec) {
  nlohmann::ordered_json out;
  out["name"] = spec.name;
  for (const auto& [key, value] : spec.params) {
    std::visit(
        [&, &name = key](const auto& v) {
          if constexpr (std::is_same_v<std::decay_t<decltype(v)>, double>)
            out[name] = finite(v, name.c_str());
          else
            out[name] = v;
        },
        value);
  }
  return out;
}

CodecSpec spec_from_json(const JsonNode& node) {
  node.require_object();
  CodecSpec spec;
  spec.name = node.at("name").text();
  for (const auto& item : node.raw().items()) {
    const std::string& key = item.key();
    const nlohmann::json& value = item.value();
    if (key == "name") continue;
    if (value.is_boolean())
      spec.params[key] = value.get<bool>();
    else if (value.is_number_integer())
      spec.params[key] = node.at(key).integer(INT64_MIN, INT64_MAX);
    else if (value.is_number_float())
      spec.params[key] = value.get<double>();
    else if (value.is_string())
      spec.params[key] = value.get<std::string>();
    else
      node.at(key).fail("a number, a text, true or false");
  }
  return spec;
}

CodecSpec checked_spec_from_json(const JsonNode& node) {
  CodecSpec spec = spec_from_json(node);
  try {
    normalise(spec);
  } catch (const CodecError& error) {
    node.fail_with(error.what());
  }
  return spec;
}

Need need_from_json(const JsonNode& node) {
  const std::string name = node.text();
  try {
    return need_from_string(name);
  } catch (const Error& error) {
    node.fail_with(error.what());
  }
}

bool same_spec(const CodecSpec& a, const CodecSpec& b) {
  return a == b || (a.name == b.name && normalised_or_same(a) == normalised_or_same(b));
}

}  // namespace cinch::planner
