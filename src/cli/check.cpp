// `cinch check`: which schema a file has, whether it is valid, what in it cannot be meant, what it does not keep.
#include <CLI/CLI.hpp>

#include <algorithm>
#include <memory>
#include <optional>

#include "cinch/error.h"
#include "cinch/planner.h"
#include "planner/file_io.h"
#include "planner/json_reader.h"
#include "planner/rule_check.h"
#include "src/cli/commands.h"
#include "src/cli/output.h"
#include "src/cli/plan_text.h"

namespace cinch::cli {
namespace {

constexpr size_t kSitesShown = 20;

struct Options {
  std::string file, profile, json;
};

struct Findings {
  std::string schema;
  std::vector<std::string> notes;   // worth knowing
  std::vector<std::string> broken;  // promises that are not kept
  std::vector<std::string> unknown_sites;
};

std::string quoted(const SiteRule& rule) { return "\"" + rule.match + "\" (" + planner::asked(rule) + ")"; }

void check_budget(const Budget& budget, const Profile* profile, Findings& findings) {
  findings.notes.push_back(counted(budget.rules.size(), "rule"));
  for (const planner::RulePair& pair : planner::find_shadowed(budget.rules))
    findings.notes.push_back("rule " + std::to_string(pair.earlier) + " for " + quoted(budget.rules[pair.earlier]) +
                             " never holds: rule " + std::to_string(pair.later) + " for " +
                             quoted(budget.rules[pair.later]) + " matches all its sites, and the last match wins");
  if (!profile) return;
  for (size_t i = 0; i < budget.rules.size(); ++i) {
    const bool used = std::ranges::any_of(
        profile->sites, [&](const SiteProfile& site) { return glob_match(budget.rules[i].match, site.name); });
    if (!used)
      findings.notes.push_back("rule " + std::to_string(i) + " for " + quoted(budget.rules[i]) +
                               " matches no site of the profile");
  }
  const Plan plan = make_plan(*profile, budget);
  findings.notes.push_back("there is a plan: predicted peak " + format_bytes(plan.predicted_peak_bytes) + ", noise " +
                           percent(plan.predicted_noise) + ", " + extra_time(plan.predicted_extra_seconds));
}

void require_fits(const Plan& plan, int64_t reserve_bytes, Findings& findings) {
  const int64_t needed = plan.predicted_peak_bytes + reserve_bytes;
  if (plan.limit_bytes > 0 && needed > plan.limit_bytes)
    findings.broken.push_back("the predicted peak of " + format_bytes(plan.predicted_peak_bytes) +
                              (reserve_bytes > 0 ? " with the reserve of " + format_bytes(reserve_bytes) : "") +
                              " is above the limit of " + format_bytes(plan.limit_bytes));
}

void check_plan(const Plan& plan, const Profile* profile, Findings& findings) {
  findings.notes.push_back(counted(plan.entries.size(), "site") + ", device " + plan.device + ", torch " +
                           plan.torch_version + ", made by cinch " + plan.cinch_version);
  if (!plan.unknown_sites.empty())
    findings.notes.push_back("carried over: " + counted(plan.unknown_sites.size(), "site") +
                             " that the earlier plan did not know stay exact");
  if (!profile) return require_fits(plan, 0, findings);
  const Plan applied = apply_plan(plan, *profile);
  findings.unknown_sites = applied.unknown_sites;
  if (plan.fingerprint != profile->fingerprint)
    findings.notes.push_back("made for another program (fingerprint " + plan.fingerprint + ", the profile's is " +
                             profile->fingerprint + "): a guard refuses it");
  findings.notes.push_back("of " + counted(profile->sites.size(), "site") + " of the profile " +
                           std::to_string(applied.unknown_sites.size()) +
                           " stay exact that the plan does not know or cannot serve");
  findings.notes.push_back("on this profile: predicted peak " + format_bytes(applied.predicted_peak_bytes) +
                           ", noise " + percent(applied.predicted_noise) + ", " +
                           extra_time(applied.predicted_extra_seconds));
  require_fits(applied, profile->reserve_bytes, findings);
}

void check_profile(const Profile& profile, Findings& findings) {
  findings.notes.push_back(counted(profile.sites.size(), "site") + ", " + counted(profile.payloads.size(), "payload") +
                           ", " + counted(profile.timeline.size(), "instant") + ", device " + profile.device +
                           ", torch " + profile.torch_version);
  findings.notes.push_back("baseline " + format_bytes(profile.baseline_peak_bytes()) + ", floor " +
                           format_bytes(profile.floor_bytes()) + ", batch " +
                           (profile.batch > 0 ? std::to_string(profile.batch) : "not known"));
}

int check(const Options& options) {
  if (!options.json.empty()) check_target(options.json);
  const std::string text = planner::read_file(options.file);
  const nlohmann::json json = planner::parse_json(text, options.file);
  const planner::JsonNode document(json, options.file);
  const planner::JsonNode schema = document.at("schema");
  std::optional<Profile> other;
  if (!options.profile.empty()) other = Profile::from_json_file(options.profile);
  const Profile* const profile = other ? &*other : nullptr;

  Findings findings;
  findings.schema = schema.text();
  if (findings.schema == "cinch.budget/1") {
    check_budget(Budget::from_json(text, options.file), profile, findings);
  } else if (findings.schema == "cinch.plan/1") {
    check_plan(Plan::from_json(text, options.file), profile, findings);
  } else if (findings.schema == "cinch.profile/1") {
    if (profile) throw Error("--profile is for budgets and plans; " + options.file + " is itself a profile");
    check_profile(Profile::from_json(text, options.file), findings);
  } else {
    schema.fail("\"cinch.budget/1\", \"cinch.plan/1\" or \"cinch.profile/1\"");
  }

  std::string out = options.file + ": " + findings.schema + ", valid\n";
  for (const std::string& note : findings.notes) out += "  " + note + "\n";
  for (size_t i = 0; i < findings.unknown_sites.size(); ++i) {
    if (i == kSitesShown) {
      out += "    and " + std::to_string(findings.unknown_sites.size() - i) + " more (--json has all)\n";
      break;
    }
    out += "    exact: " + findings.unknown_sites[i] + "\n";
  }
  for (const std::string& promise : findings.broken) out += "  not kept: " + promise + "\n";
  report(out,
         {{"schema", "cinch.check/1"},
          {"file", options.file},
          {"file_schema", findings.schema},
          {"notes", findings.notes},
          {"unknown_sites", findings.unknown_sites},
          {"not_kept", findings.broken}},
         options.json);
  return findings.broken.empty() ? 0 : 1;
}

}  // namespace

void add_check(CLI::App& app, Run& run) {
  const auto options = std::make_shared<Options>();
  CLI::App* const command =
      app.add_subcommand("check", "whether a budget, plan or profile is valid and means something");
  command->add_option("file", options->file, "a budget, a plan or a profile")->required();
  command->add_option(
      "--profile", options->profile,
      "a profile to hold it against: sites that a plan does not know, rules that match nothing, limits");
  command->add_option("--json", options->json, "as JSON, into a file or to standard output: -");
  command->callback([&run, options] { run = [options] { return check(*options); }; });
}

}  // namespace cinch::cli
