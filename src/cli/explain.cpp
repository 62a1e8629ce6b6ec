// `cinch explain`: a plan as a table, what binds it, and what more memory would buy.
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>

#include "cinch/error.h"
#include "cinch/planner.h"
#include "planner/describe.h"
#include "planner/enum_json.h"
#include "src/cli/commands.h"
#include "src/cli/instants.h"
#include "src/cli/output.h"
#include "src/cli/plan_text.h"

namespace cinch::cli {
namespace {

constexpr double kMore = 0.1;
constexpr size_t kInstantsShown = 5;
// In a narrower table there is no room for what each site's backward reads.
constexpr size_t kRoomForNeeds = 92;

struct Options {
  std::string plan, profile, budget, json;
  size_t width = text_columns();
};

// Noise and time under a limit of a tenth more.
struct MoreMemory {
  int64_t limit_bytes = 0;
  double noise = 0, extra_seconds = 0;
  bool planned = false;  // made anew from the profile; otherwise from the plan's shadow price
};

// Without the profile. The shadow price holds for the next byte, and bytes buy less the more there are: a bound.
MoreMemory priced(const Plan& plan) {
  MoreMemory more;
  more.limit_bytes = std::llround((1 + kMore) * static_cast<double>(plan.limit_bytes));
  more.noise = plan.predicted_noise;
  more.extra_seconds = plan.predicted_extra_seconds;
  const double saved = plan.saved_per_byte * static_cast<double>(more.limit_bytes - plan.limit_bytes);
  const auto left = [&](double cost) { return std::max(0.0, cost - saved); };
  if (plan.objective == Objective::kLeastNoise)
    more.noise = std::sqrt(left(plan.predicted_noise * plan.predicted_noise));
  else if (plan.objective == Objective::kLeastTime)
    more.extra_seconds = left(plan.predicted_extra_seconds);
  return more;
}

MoreMemory planned(const Plan& plan, const Profile& profile, Budget budget) {
  MoreMemory more = priced(plan);
  budget.limit = {LimitKind::kBytes, static_cast<double>(more.limit_bytes)};
  const Plan larger = make_plan(profile, budget);
  more.noise = larger.predicted_noise;
  more.extra_seconds = larger.predicted_extra_seconds;
  more.planned = true;
  return more;
}

// Charged to an earlier site that saved the same tensor.
bool is_shared(const PlanEntry& entry) { return entry.raw_bytes == 0; }

std::string entries_text(const Plan& plan, size_t width) {
  const bool needs = width >= kRoomForNeeds;
  std::vector<Column> columns{{"layer", false, 12}, {"op", false, 9}};
  if (needs) columns.push_back({"need"});
  columns.insert(columns.end(),
                 {{"method", false, 12}, {"raw", true}, {"charged", true}, {"of noise", true}, {"time", true}});
  std::vector<std::vector<std::string>> rows;
  for (const PlanEntry& entry : plan.entries) {
    const bool shared = is_shared(entry);
    std::vector<std::string>& row = rows.emplace_back();
    row = {entry.layer, entry.op};
    if (needs) row.emplace_back(to_string(entry.need));
    row.push_back(to_string(entry.spec));
    if (shared)
      row.insert(row.end(), {"shared", "", "", ""});
    else
      row.insert(row.end(),
                 {format_bytes(entry.raw_bytes), format_bytes(entry.charged_bytes),
                  percent_or_less(planner::noise_share(plan, entry.noise_variance)), duration(entry.seconds)});
  }
  return table(columns, rows, width);
}

// A plan that was carried over costs something, and nobody has said what that would be at best.
bool says_what_binds(const Plan& plan) {
  return plan.objective_value > 0 || (plan.predicted_noise == 0 && plan.predicted_extra_seconds == 0);
}

std::string binding_text(const Plan& plan, const Profile* profile) {
  if (plan.limit_bytes == 0) return "binds     nothing: no limit\n";
  if (!says_what_binds(plan)) return "binds     the plan does not say: it was not made for this profile\n";
  if (plan.binding.empty()) return "binds     nothing: more memory would not make it better\n";
  std::vector<BindingInstant> binding = plan.binding;
  std::ranges::stable_sort(binding, std::greater<>(), &BindingInstant::saved_per_byte);
  std::string text = "binds     memory, at " + counted(binding.size(), "instant") + "\n";
  for (size_t i = 0; i < std::min(binding.size(), kInstantsShown); ++i) {
    const double share = plan.saved_per_byte > 0 ? binding[i].saved_per_byte / plan.saved_per_byte : 0;
    text += "          " + percent(share) + " instant " + std::to_string(binding[i].instant);
    if (profile)
      text += " of " + std::to_string(profile->timeline.size()) + ", " + what_happens(*profile, binding[i].instant);
    text += "\n";
  }
  return wrapped(text);
}

std::string solver_text(const Plan& plan) {
  constexpr double kNothing = 1e-4;  // less is rounding
  const std::string word = planner::enum_name(plan.objective, planner::kObjectiveNames);
  if (plan.gap < kNothing) return "solver    proven: no plan is better (" + word + ")\n";
  return "solver    proven: no plan is better by more than " + percent(plan.gap) + " (" + word + ")\n";
}

std::string more_text(const Plan& plan, const MoreMemory& more) {
  std::string text = "10 % more ";
  if (more.planned)
    text += "planned anew for " + format_bytes(more.limit_bytes) + ":\n          ";
  else
    text += "by the shadow price, " + format_bytes(more.limit_bytes) + ", at best:\n          ";
  return wrapped(text + "noise " + percent(plan.predicted_noise) + " -> " + percent(more.noise) + ", time " +
                 extra_time(plan.predicted_extra_seconds) + " -> " + extra_time(more.extra_seconds) + "\n");
}

nlohmann::ordered_json document_of(const Plan& plan, const Profile* profile, const std::optional<MoreMemory>& more) {
  nlohmann::ordered_json document{{"schema", "cinch.explanation/1"},
                                  {"limit_bytes", plan.limit_bytes},
                                  {"predicted_peak_bytes", plan.predicted_peak_bytes},
                                  {"baseline_peak_bytes", plan.baseline_peak_bytes},
                                  {"floor_bytes", plan.floor_bytes},
                                  {"raw_bytes", plan.raw_bytes},
                                  {"charged_bytes", plan.charged_bytes},
                                  {"noise", plan.predicted_noise},
                                  {"effective_batch", plan.predicted_effective_batch},
                                  {"extra_seconds", plan.predicted_extra_seconds},
                                  {"objective", planner::enum_name(plan.objective, planner::kObjectiveNames)},
                                  {"gap", plan.gap}};
  document["binding"] = nlohmann::ordered_json::array();
  for (const BindingInstant& instant : plan.binding) {
    nlohmann::ordered_json row{{"instant", instant.instant}, {"saved_per_byte", instant.saved_per_byte}};
    if (profile) row["what"] = what_happens(*profile, instant.instant);
    document["binding"].push_back(std::move(row));
  }
  if (more)
    document["with_more_memory"] = {{"limit_bytes", more->limit_bytes},
                                    {"noise", more->noise},
                                    {"extra_seconds", more->extra_seconds},
                                    {"from", more->planned ? "profile" : "shadow_price"}};
  document["unknown_sites"] = plan.unknown_sites;
  document["entries"] = nlohmann::ordered_json::array();
  for (const PlanEntry& entry : plan.entries)
    document["entries"].push_back({{"site", entry.site},
                                   {"layer", entry.layer},
                                   {"op", entry.op},
                                   {"need", to_string(entry.need)},
                                   {"method", to_string(entry.spec)},
                                   {"shared", is_shared(entry)},
                                   {"raw_bytes", entry.raw_bytes},
                                   {"charged_bytes", entry.charged_bytes},
                                   {"noise_share", planner::noise_share(plan, entry.noise_variance)},
                                   {"seconds", entry.seconds}});
  return document;
}

int explain(const Options& options) {
  if (!options.json.empty()) check_target(options.json);
  const Plan plan = Plan::from_json_file(options.plan);
  std::optional<Profile> profile;
  if (!options.profile.empty()) {
    profile = Profile::from_json_file(options.profile);
    if (profile->fingerprint != plan.fingerprint)
      throw Error(options.profile + " shows another program than the one that " + options.plan +
                  " was made for; cinch check " + options.plan + " --profile " + options.profile + " compares them");
  } else if (!options.budget.empty()) {
    throw Error("--budget needs --profile: without it nothing can be planned anew");
  }
  Budget budget = options.budget.empty() ? Budget{} : Budget::parse(options.budget);
  if (options.budget.empty()) budget.objective = plan.objective;

  std::string text = summary(plan);
  if (plan.objective_value > 0) text += solver_text(plan);
  const Profile* const known = profile ? &*profile : nullptr;
  text += binding_text(plan, known);
  std::optional<MoreMemory> more;
  if (plan.limit_bytes > 0 && profile)
    more = planned(plan, *profile, budget);
  else if (plan.limit_bytes > 0 && says_what_binds(plan))
    more = priced(plan);
  if (more) text += more_text(plan, *more);
  if (profile) text += "peak      " + peak_text(plan, *profile) + "\n";
  if (!plan.unknown_sites.empty())
    text += "exact     " + counted(plan.unknown_sites.size(), "site") + " that the earlier plan did not know\n";
  text += "\n" + entries_text(plan, options.width);
  report(text, document_of(plan, known, more), options.json);
  return 0;
}

}  // namespace

void add_explain(CLI::App& app, Run& run) {
  const auto options = std::make_shared<Options>();
  CLI::App* const command =
      app.add_subcommand("explain", "a plan as a table, what binds it, what more memory would buy");
  command->add_option("plan", options->plan, "what cinch plan or BudgetGuard wrote")->required();
  command->add_option("--profile", options->profile,
                      "that it was made from: names instants, and plans anew for more memory");
  command->add_option("--budget", options->budget, "rules and bounds that it was made with; its limit is the plan's");
  command->add_option("--width", options->width, "columns of the table; longer names are cut")
      ->check(CLI::Range(80, 1000))
      ->capture_default_str();
  command->add_option("--json", options->json, "as JSON, into a file or to standard output: -");
  command->callback([&run, options] { run = [options] { return explain(*options); }; });
}

}  // namespace cinch::cli
