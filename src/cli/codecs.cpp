#include "src/cli/codecs.h"

#include <CLI/CLI.hpp>

#include <memory>
#include <sstream>

#include "cinch/codec.h"
#include "cinch/version.h"
#include "src/cli/commands.h"
#include "src/cli/output.h"
#include "src/methods/methods.h"

namespace cinch::cli {
namespace {

nlohmann::json to_json(const ParamInfo& param) {
  nlohmann::json out = {{"name", param.name}, {"description", param.description}};
  std::visit([&](const auto& value) { out["default"] = value; }, param.fallback);
  if (!param.integers.empty()) out["values"] = std::vector<int64_t>(param.integers.begin(), param.integers.end());
  if (!param.texts.empty()) out["values"] = std::vector<std::string>(param.texts.begin(), param.texts.end());
  if (std::holds_alternative<bool>(param.fallback)) out["values"] = {false, true};
  if (param.integer_range) out["range"] = {param.integer_range->min, param.integer_range->max};
  if (param.numbers) out["range"] = {param.numbers->min, param.numbers->max};
  return out;
}

// Where the method's default can be coded at all, for any of the element types. Forms without a codec (the tensor
// itself, no values, host memory) are told by what they are.
std::vector<std::string> devices_of(const MethodInfo& method) {
  if (method.name == "keep" || method.name == "shape") return {"cpu", "cuda"};
  if (method.name == "offload") return {"cuda"};
  const auto codec = make_codec(normalise(CodecSpec{std::string(method.name), {}}));
  std::vector<std::string> devices;
  for (const auto& [device, name] : {std::pair{DeviceKind::kCpu, "cpu"}, {DeviceKind::kCuda, "cuda"}})
    for (const DType dtype : {DType::kFloat32, DType::kInt64, DType::kBool}) {
      if (!codec->supports(dtype, device)) continue;
      devices.emplace_back(name);
      break;
    }
  return devices;
}

nlohmann::json to_json(const MethodInfo& method) {
  nlohmann::json out = {{"name", method.name},
                        {"error_class", method.error_class},
                        {"lossless", method.lossless},
                        {"description", method.description},
                        {"source", method.source},
                        {"devices", devices_of(method)},
                        {"parameters", nlohmann::json::array()}};
  for (const ParamInfo& param : method.params) out["parameters"].push_back(to_json(param));
  return out;
}

// "1, 2, 4 or 8", "0.03125 to 8", "0 or 1 to 8".
std::string allowed(const nlohmann::json& param) {
  const auto plain = [](const nlohmann::json& value) {
    if (value.is_string()) return value.get<std::string>();
    if (!value.is_number_float()) return value.dump();
    std::ostringstream out;
    out << value.get<double>();
    return out.str();
  };
  if (param.contains("range")) {
    const auto &low = param["range"][0], &high = param["range"][1], &fallback = param["default"];
    const bool inside = low <= fallback && fallback <= high;
    return (inside ? "" : plain(fallback) + " or ") + plain(low) + " to " + plain(high);
  }
  std::string text;
  const auto& values = param.at("values");
  for (size_t i = 0; i < values.size(); ++i)
    text += (i == 0 ? "" : i + 1 == values.size() ? " or " : ", ") + plain(values[i]);
  return text;
}

std::string joined(const nlohmann::json& names) {
  std::string text;
  for (const auto& name : names) text += (text.empty() ? "" : ", ") + name.get<std::string>();
  return text;
}

// Words below each other, `indent` blanks in front of each line.
std::string paragraph(const std::string& text, size_t indent) {
  constexpr size_t kColumns = 80;
  std::string out, line;
  std::istringstream words(text);
  for (std::string word; words >> word; line += (line.empty() ? std::string(indent, ' ') : " ") + word) {
    if (line.empty() || line.size() + 1 + word.size() <= kColumns) continue;
    out += line + "\n";
    line.clear();
  }
  return out + line + "\n";
}

}  // namespace

nlohmann::json codecs_document() {
  nlohmann::json document = {{"schema", "cinch.codecs/1"}, {"cinch_version", CINCH_VERSION}};
  document["methods"] = nlohmann::json::array();
  for (const MethodInfo& method : methods()) document["methods"].push_back(to_json(method));
  return document;
}

std::string codecs_text() {
  std::ostringstream out;
  const auto document = codecs_document();
  for (const auto& method : document["methods"]) {
    out << method["name"].get<std::string>() << " (" << method["error_class"].get<std::string>() << "; "
        << joined(method["devices"]) << ")\n"
        << paragraph(method["description"], 2);
    if (method["source"] != "cinch") out << paragraph("after " + method["source"].get<std::string>(), 2);
    for (const auto& param : method["parameters"]) {
      const auto& fallback = param["default"];
      out << "  " << param["name"].get<std::string>() << " = "
          << (fallback.is_string() ? fallback.get<std::string>() : fallback.dump()) << "  [" << allowed(param) << "]\n"
          << paragraph(param["description"], 6);
    }
  }
  return out.str();
}

void add_codecs(CLI::App& app, Run& run) {
  const auto json = std::make_shared<std::string>();
  CLI::App* const command = app.add_subcommand("codecs", "the table of methods: parameters, errors, devices");
  command->add_option("--json", *json, "as JSON, into a file or to standard output: -");
  command->callback([&run, json] {
    run = [json] {
      report(codecs_text(), codecs_document(), *json);
      return 0;
    };
  });
}

}  // namespace cinch::cli
