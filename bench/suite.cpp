#include "bench/suite.h"

#include <algorithm>
#include <cstdio>

#include "cinch/error.h"

namespace cinch::bench {
namespace {

std::vector<Suite>& registered() {
  static std::vector<Suite> all;
  return all;
}

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

}  // namespace

const std::vector<Suite>& suites() {
  std::sort(registered().begin(), registered().end(), [](const Suite& a, const Suite& b) { return a.name < b.name; });
  return registered();
}

Registration::Registration(const char* name, const char* what, SuiteResult (*run)(const SuiteOptions&), Devices devices,
                           Network network, Extras extras) {
  registered().push_back({name, what, run, devices, network, extras});
}

void check_options(const Suite& suite, const SuiteOptions& options) {
  if (!options.device.is_cpu() && suite.devices != Devices::kCpuAndCuda)
    throw Error("suite '" + suite.name + "' measures on cpu only, not on " + options.device.str());
  if (suite.network == Network::kOwn && !(options.model.empty() && options.data.empty()))
    throw Error("suite '" + suite.name + "' has networks of its own: it takes neither --model nor --data");
  if (!suite.extras.text && !options.text.empty()) throw Error("suite '" + suite.name + "' takes no --text");
  if (!suite.extras.dump && !options.dump.empty()) throw Error("suite '" + suite.name + "' takes no --dump");
}

std::string to_table(const SuiteResult& result) {
  std::vector<std::vector<std::string>> lines{result.columns};
  for (const auto& row : result.rows) {
    lines.emplace_back();
    for (const std::string& column : result.columns) lines.back().push_back(cell(row, column));
  }
  std::string text;
  for (const auto& line : lines) {
    for (size_t c = 0; c < line.size(); ++c) {
      size_t width = 0;
      for (const auto& other : lines) width = std::max(width, other[c].size());
      text += line[c];
      if (c + 1 < line.size()) text += std::string(width - line[c].size() + 2, ' ');
    }
    text += "\n";
  }
  return text;
}

}  // namespace cinch::bench
