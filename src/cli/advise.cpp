// `cinch advise`: the largest batch for a limit, the smallest limit for a batch.
#include <CLI/CLI.hpp>

#include <algorithm>
#include <memory>

#include "cinch/error.h"
#include "cinch/planner.h"
#include "src/cli/commands.h"
#include "src/cli/output.h"
#include "src/cli/plan_text.h"

namespace cinch::cli {
namespace {

constexpr size_t kScreen = 80;

struct Options {
  std::vector<std::string> profiles;
  std::string budget, json;
  int64_t observed = 0;
  std::vector<int64_t> batches;
};

std::vector<Profile> profiles_of(const Options& options) {
  std::vector<Profile> profiles;
  for (const std::string& path : options.profiles) profiles.push_back(Profile::from_json_file(path));
  if (options.observed > 0 && profiles.size() > 1)
    throw Error("--observed says the batch of one profile; several must know their own");
  if (options.observed > 0) profiles[0].batch = options.observed;
  if (profiles[0].batch == 0 && profiles.size() == 1)
    throw Error(options.profiles[0] + " does not know its batch: give it with --observed");
  return profiles;
}

// Unless it was said which: half of what was observed, and doublings up to the largest that fits.
std::vector<int64_t> batches_to_show(const BatchAdvice& advice) {
  const int64_t observed = advice.profiled_batch, largest = advice.largest_batch.value_or(0);
  std::vector<int64_t> batches{std::max<int64_t>(1, observed / 2), observed};
  for (int i = 0; i < 3; ++i) batches.push_back(2 * batches.back());
  if (largest > 0) batches.push_back(largest);
  std::ranges::sort(batches);
  batches.erase(std::unique(batches.begin(), batches.end()), batches.end());
  return batches;
}

std::string text_of(const BatchAdvice& advice, const std::vector<int64_t>& batches,
                    const std::vector<int64_t>& limits) {
  const auto samples = [](const std::optional<int64_t>& batch) {
    if (!batch) return std::string("without bound");
    return *batch == 0 ? std::string("none, not even 1") : std::to_string(*batch);
  };
  std::string text = "observed       batch " + std::to_string(advice.profiled_batch) + "\n";
  if (advice.limit_bytes > 0) {
    text += "largest batch  " + samples(advice.largest_batch) + " within " + format_bytes(advice.limit_bytes) +
            "; with every tensor raw " + samples(advice.largest_raw_batch) + "\n";
    if (advice.largest_batch.value_or(0) > 0)
      text += "its plan       predicted peak " + format_bytes(advice.at_largest.predicted_peak_bytes) + ", noise " +
              percent(advice.at_largest.noise) + ", effective batch " + percent(advice.at_largest.effective_batch) +
              ", " + extra_time(advice.at_largest.extra_seconds) + "\n";
  } else {
    text += "largest batch  no limit was given\n";
  }
  std::vector<std::vector<std::string>> rows;
  for (size_t i = 0; i < batches.size(); ++i)
    rows.push_back({std::to_string(batches[i]), format_bytes(limits[i]), std::to_string(limits[i])});
  return wrapped(text) + table({{"batch", true}, {"smallest limit", true}, {"bytes", true}}, rows, kScreen);
}

nlohmann::ordered_json document_of(const BatchAdvice& advice, const std::vector<int64_t>& batches,
                                   const std::vector<int64_t>& limits) {
  nlohmann::ordered_json document{{"schema", "cinch.advice/1"}, {"profiled_batch", advice.profiled_batch}};
  if (advice.limit_bytes > 0) document["limit_bytes"] = advice.limit_bytes;
  if (advice.largest_batch) document["largest_batch"] = *advice.largest_batch;
  if (advice.largest_raw_batch) document["largest_raw_batch"] = *advice.largest_raw_batch;
  if (advice.largest_batch.value_or(0) > 0) {
    document["predicted_peak_bytes"] = advice.at_largest.predicted_peak_bytes;
    document["noise"] = advice.at_largest.noise;
    document["effective_batch"] = advice.at_largest.effective_batch;
    document["extra_seconds"] = advice.at_largest.extra_seconds;
  }
  document["smallest_limits"] = nlohmann::ordered_json::array();
  for (size_t i = 0; i < batches.size(); ++i)
    document["smallest_limits"].push_back({{"batch", batches[i]}, {"limit_bytes", limits[i]}});
  return document;
}

int advise(const Options& options) {
  if (!options.json.empty()) check_target(options.json);
  const std::vector<Profile> profiles = profiles_of(options);
  const Budget budget = options.budget.empty() ? Budget{} : Budget::parse(options.budget);
  const BatchAdvice advice = advise_batch(profiles, budget);
  const std::vector<int64_t> batches = options.batches.empty() ? batches_to_show(advice) : options.batches;
  const std::vector<int64_t> limits = smallest_limits(profiles, budget, batches);
  report(text_of(advice, batches, limits), document_of(advice, batches, limits), options.json);
  return 0;
}

}  // namespace

void add_advise(CLI::App& app, Run& run) {
  const auto options = std::make_shared<Options>();
  CLI::App* const command =
      app.add_subcommand("advise", "the largest batch for a limit, the smallest limit for a batch");
  command
      ->add_option("profiles", options->profiles,
                   "what BudgetGuard wrote with save_profile; two of different batches tell more than one")
      ->required();
  command->add_option("--budget", options->budget, "limit, rules and noise bounds, as a value or a budget file");
  command
      ->add_option("--observed", options->observed, "samples in the batch that the profile shows, if it does not say")
      ->check(CLI::Range(INT64_C(1), INT64_C(1) << 30));
  command->add_option("--batch", options->batches, "show the smallest limit for these batches")
      ->check(CLI::Range(INT64_C(1), INT64_C(1) << 30));
  command->add_option("--json", options->json, "as JSON, into a file or to standard output: -");
  command->callback([&run, options] { run = [options] { return advise(*options); }; });
}

}  // namespace cinch::cli
