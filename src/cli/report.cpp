// `cinch report`: a profile and a plan as one HTML file.
#include "src/report/report.h"

#include <CLI/CLI.hpp>

#include <filesystem>
#include <memory>

#include "cinch/error.h"
#include "src/cli/commands.h"
#include "src/cli/output.h"

namespace cinch::cli {
namespace {

struct Options {
  std::string profile, plan, title, json;
  std::string output = "report.html";
};

// "network" of "runs/network.profile.json".
std::string stem(const std::string& path) {
  const std::string name = std::filesystem::path(path).filename().string();
  return name.substr(0, name.find('.', 1));
}

std::string text_of(const nlohmann::ordered_json& figures, const std::string& output, size_t sites) {
  std::string text = output + ": " + counted(sites, "site");
  const auto add = [&](const char* name, const char* key) {
    if (figures.contains(key)) text += std::string(", ") + name + " " + format_bytes(figures[key].get<int64_t>());
  };
  add("predicted peak", "predicted_peak_bytes");
  add("limit", "limit_bytes");
  add("baseline", "baseline_peak_bytes");
  add("floor", "floor_bytes");
  return text + "\n";
}

int report_command(const Options& options) {
  report::require_page();
  if (options.output == "-" && options.json == "-")
    throw Error("--output and --json cannot both write to standard output");
  check_target(options.output);
  if (!options.json.empty()) check_target(options.json);
  report::Input input{
      options.title.empty() ? stem(options.profile) : options.title, Profile::from_json_file(options.profile), {}, {}};
  if (!options.plan.empty()) input.plan = Plan::from_json_file(options.plan);
  if (input.plan && input.plan->fingerprint != input.profile.fingerprint)
    throw Error(options.profile + " shows another program than the one that " + options.plan +
                " was made for; cinch check " + options.plan + " --profile " + options.profile + " compares them");
  const nlohmann::ordered_json document = report::make_document(input);
  write_text(report::render(document), options.output);
  if (options.output != "-")
    report(text_of(document["figures"], options.output, document["sites"].size()), document, options.json);
  else if (!options.json.empty())
    write_json(document, options.json);
  return 0;
}

}  // namespace

void add_report(CLI::App& app, Run& run) {
  const auto options = std::make_shared<Options>();
  CLI::App* const command =
      app.add_subcommand("report", "a profile and a plan as one HTML file that opens without a network");
  command->add_option("profile", options->profile, "what BudgetGuard wrote with save_profile")->required();
  command->add_option("plan", options->plan, "made for it; without: every tensor as it is, and what limits would cost");
  command->add_option("-o,--output", options->output, "the page, into a file or to standard output: -")
      ->capture_default_str();
  command->add_option("--title", options->title, "heading of the page (default: the profile's name)");
  command->add_option("--json", options->json, "its figures as JSON, into a file or to standard output: -");
  command->callback([&run, options] { run = [options] { return report_command(*options); }; });
}

}  // namespace cinch::cli
