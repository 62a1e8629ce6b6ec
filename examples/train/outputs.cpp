#include "examples/train/outputs.h"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "cinch/error.h"
#include "examples/results/document.h"
#include "examples/train/rehearsal.h"

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
  std::error_code ignored;
  const bool there = fs::symlink_status(path, ignored).type() != fs::file_type::not_found;  // or nobody knows
  if (path == "-" || !std::ofstream(path, std::ios::app))
    throw Error("'" + path + "' cannot be written: " + (path == "-" ? "--trace needs a file" : std::strerror(errno)));
  if (!there) fs::remove(path, ignored);  // the run may still be refused
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

void check_steps(const Options& options, const Budget& budget, int64_t steps) {
  const int64_t observe_steps = GuardOptions{}.observe_steps;
  if (is_relative(budget) || steps >= observe_steps) return;
  const auto refuse = [&](const Output& output, const char* what) {
    if (output.path.empty()) return;
    throw Error(std::string(output.option) + " needs a " + what + ", and so at least " + std::to_string(observe_steps) +
                " steps, unless the budget is relative (60%, floor+25%); these would be " + std::to_string(steps));
  };
  refuse({"--report", options.report}, "profile");
  if (!options.load_plan.empty()) return;  // a few steps more would not do either: `unwritten` tells of it
  refuse({"--save-plan", options.save_plan}, "plan");
  refuse({"--save-profile", options.save_profile}, "profile");
}

std::vector<std::string> unwritten(const Outcome& outcome) {
  const Options& options = outcome.options;
  std::vector<std::string> sentences;
  const auto say = [&](const Output& output, const std::string& why) {
    sentences.push_back(std::string(output.option) + ": nothing was written into '" + output.path + "': " + why);
  };
  // A guard saves the plans that it makes, not the one that it was given.
  const bool given = !options.load_plan.empty() && outcome.usage.replans == 0;
  if (!options.save_plan.empty() && given)
    say({"--save-plan", options.save_plan}, "the plan of --load-plan '" + options.load_plan +
                                                "' stayed in force; copy that file, or leave --load-plan out");
  else if (!options.save_plan.empty() && !outcome.plan)
    say({"--save-plan", options.save_plan}, "the run ended without a plan; train more steps");
  if (options.save_profile.empty() || outcome.profile) return sentences;
  say({"--save-profile", options.save_profile},
      options.load_plan.empty() ? "the run was not observed; train more steps"
                                : "a run that starts with a plan observes nothing at first; leave --load-plan out, or "
                                  "take a relative budget (60%, floor+25%)");
  return sentences;
}

}  // namespace cinch::train
