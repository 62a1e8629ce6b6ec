// `cinch codecs`: the table of methods, for people and for programs.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace cinch::cli {

// {"schema": "cinch.codecs/1", "methods": [{name, error_class, lossless, description, source, devices, parameters}]}.
// A parameter has its default and either the values allowed or their range.
nlohmann::json codecs_document();

// The same as text of at most 120 columns.
std::string codecs_text();

}  // namespace cinch::cli
