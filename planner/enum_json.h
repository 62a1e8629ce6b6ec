/// Enumerations as words in JSON documents.
#pragma once

#include <array>
#include <string>

#include "planner/json_reader.h"

namespace cinch::planner {

/// Names of Objective, in its order.
inline constexpr std::array<const char*, 3> kObjectiveNames{"least_noise", "least_time", "least_bytes"};

template <typename Enum>
const char* enum_name(Enum value, const std::array<const char*, 3>& names) {
  return names.at(static_cast<size_t>(value));
}

/// Fails at the node where its text is none of the names.
template <typename Enum>
Enum enum_from(const JsonNode& node, const std::array<const char*, 3>& names) {
  const std::string text = node.text();
  for (size_t i = 0; i < names.size(); ++i) {
    if (text == names[i]) return static_cast<Enum>(i);
  }
  node.fail(std::string("\"") + names[0] + "\", \"" + names[1] + "\" or \"" + names[2] + '"');
}

}  // namespace cinch::planner
