// `cinch plan`: profile + budget -> plan.
#include <CLI/CLI.hpp>

#include <memory>

#include "cinch/planner.h"
#include "src/cli/commands.h"
#include "src/cli/output.h"
#include "src/cli/plan_text.h"

namespace cinch::cli {
namespace {

struct Options {
  std::string profile, budget, output;
};

int plan(const Options& options) {
  if (!options.output.empty()) check_target(options.output);
  const Budget budget = Budget::parse(options.budget);
  const Plan plan = make_plan(Profile::from_json_file(options.profile), budget);
  if (!options.output.empty()) write_text(plan.to_json(), options.output);
  if (options.output != "-") write_text(summary(plan), "-");
  return 0;
}

}  // namespace

void add_plan(CLI::App& app, Run& run) {
  const auto options = std::make_shared<Options>();
  CLI::App* const command = app.add_subcommand("plan", "make a plan for a budget from a profile");
  command->add_option("profile", options->profile, "what BudgetGuard wrote with save_profile")->required();
  command
      ->add_option("--budget", options->budget,
                   "600MiB, 60% (of the baseline), floor+25%, device:90%, exact, or a budget file")
      ->required();
  command->add_option("-o,--output,--json", options->output, "write the plan to a file, or to standard output: -");
  command->callback([&run, options] { run = [options] { return plan(*options); }; });
}

}  // namespace cinch::cli
