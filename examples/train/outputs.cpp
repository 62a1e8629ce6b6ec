#include "examples/train/outputs.h"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "cinch/error.h"
#include "examples/results/document.h"

namespace cinch::train {
namespace {

namespace fs = std::filesystem;

struct Output {
  const char* option;
  const std::string& path;
};

// Of two that are the same, the one that is written last would be all that is left.
void check_distinct(const Options& options) {
  const std::array<Output, 6> outputs{{{"--json", options.json},
                                       {"--report", options.report},
                                       {"--trace", options.trace},
                                       {"--save-plan", options.save_plan},
                                       {"--save-profile", options.save_profile},
                                       {"--metrics-file", options.metrics_file}}};
  const auto place = [](const std::string& path) {
    return path == "-" ? fs::path(path) : fs::absolute(path).lexically_normal();
  };
  for (size_t i = 0; i < outputs.size(); ++i)
    for (size_t j = i + 1; j < outputs.size(); ++j) {
      const auto& [one, first] = outputs[i];
      const auto& [other, second] = outputs[j];
      if (first.empty() || second.empty() || place(first) != place(second)) continue;
      throw Error(std::string(one) + " '" + first + "' and " + other + " '" + second +
                  "' are the same: each needs an output of its own");
    }
}

// As BudgetGuard reads it.
bool guards_are_inert() {
  const char* value = std::getenv("CINCH_DISABLE");
  return value != nullptr && std::string(value) != "" && std::string(value) != "0";
}

// A trace is written where it lies, not beside it.
void check_trace(const std::string& path) {
  if (path == "-" || !std::ofstream(path, std::ios::app))
    throw Error("'" + path + "' cannot be written: " + (path == "-" ? "--trace needs a file" : std::strerror(errno)));
}

}  // namespace

void check_outputs(const Options& options) {
  check_distinct(options);
  if (!options.json.empty()) results::check_target(options.json);
  for (const std::string& path : {options.save_plan, options.save_profile, options.report, options.trace})
    if (!path.empty() && guards_are_inert())
      throw Error("CINCH_DISABLE is set: there would be nothing to write into '" + path + "'");
  for (const std::string& path : {options.save_plan, options.save_profile})
    if (!path.empty()) results::check_target(path);
  if (!options.trace.empty()) check_trace(options.trace);
}

}  // namespace cinch::train
