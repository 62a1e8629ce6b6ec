// What plans foretell beside what happens: peak, payload bytes, gradient noise, time of a step.
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>

#include "bench/gradient_noise.h"
#include "bench/paired.h"
#include "bench/suite.h"
#include "bench/trainer.h"
#include "cinch/plan.h"
#include "examples/train/session.h"
#include "examples/train/training.h"

namespace cinch::bench {
namespace {

constexpr size_t kTimedSteps = 100;  // the last ones: ten turns of either run
// Noise and bytes are those of some batches, since neither is the same for any two of them.
constexpr int kBatches = 5, kDraws = 2;
constexpr double kMeasures = 1.5;    // times as long as usual coding takes in a step that measures
constexpr size_t kObservedStep = 1;  // of GuardOptions::observe_steps the last

// Within these the issue of the planner calls a plan right.
constexpr double kPeak = 0.03, kBytes = 0.05, kNoise = 1.5, kStepRatio = 0.03, kOverhead = 1.5, kObserved = 2;

struct Case {
  TrainingCase what;
  int64_t steps;
};

std::vector<Case> cases(const SuiteOptions& suite) {
  if (suite.quick) return {{{"gpt", "text", 4}, 24}};
  std::vector<Case> all{{{"resnet18", "fashion-mnist", 64}, 120},
                        {{"vgg16", "fashion-mnist", 128}, 120},
                        {{"mobilenet_v2", "fashion-mnist", 32}, 160},
                        {{"unet", "fashion-mnist", 32}, 120},
                        {{"gpt", "text", 32}, 120}};
  if (!suite.model.empty()) std::erase_if(all, [&](const Case& c) { return c.what.model != suite.model; });
  return all;
}

struct NamedBudget {
  std::string name;
  Budget budget;
  std::optional<double> least_ratio, most_noise;  // promised: raw bytes over charged bytes at this noise
};

std::vector<NamedBudget> budgets(const std::string& model, bool quick) {
  std::vector<NamedBudget> all;
  for (const int percent : {25, 40, 60})
    all.push_back({"floor+" + std::to_string(percent) + "%", Budget::above_floor(percent / 100.0), {}, {}});
  if (quick) all.resize(1);
  const auto least_bytes = [&](double noise, double ratio) {
    Budget budget;
    budget.objective = Objective::kLeastBytes;
    budget.min_effective_batch = 0;
    budget.max_gradient_noise = noise;
    char name[64];
    std::snprintf(name, sizeof name, "least bytes, noise <= %.2f", noise);
    all.push_back({name, budget, ratio, noise});
  };
  if (model == "gpt" && !quick) least_bytes(0.2, 16);
  if (model == "resnet18") least_bytes(0.16, 18);
  return all;
}

// A file of this process, gone with the object.
class TemporaryFile {
 public:
  TemporaryFile()
      : path_(std::filesystem::temp_directory_path() / ("cinch-bench-" + std::to_string(getpid()) + ".plan.json")) {}
  ~TemporaryFile() {
    std::error_code error;
    std::filesystem::remove(path_, error);
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  std::string path() const { return path_.string(); }

 private:
  const std::filesystem::path path_;
};

std::vector<train::StepRecord> timed(const train::RunResult& run) {
  return {run.steps.end() - static_cast<std::ptrdiff_t>(std::min(run.steps.size(), kTimedSteps)), run.steps.end()};
}

// What plans foretell is a step that does not measure. One that does tries options, which is coding too; its seconds
// are no number here.
std::vector<double> step_seconds(const std::vector<train::StepRecord>& steps) {
  std::vector<double> coding, seconds;
  for (const train::StepRecord& step : steps) coding.push_back(step.coding_seconds);
  const double usual = median(coding);
  for (const train::StepRecord& step : steps)
    seconds.push_back(step.coding_seconds > kMeasures * usual ? std::numeric_limits<double>::quiet_NaN()
                                                              : step.seconds);
  return seconds;
}

// Of the trained network, with the plan that its training ended with, on the batches that come next; parameters stay as
// they are.
GradientNoise true_noise(train::Training& training, const std::string& plan_file) {
  Budget free;  // the plan's own noise is what is asked for
  free.min_effective_batch = 0;
  GradientNoise mean;
  for (int i = 0; i < kBatches; ++i) {
    const GradientNoise one = gradient_noise(training.model(), training.next_batch(), free, kDraws, plan_file);
    mean.raw_bytes += one.raw_bytes / kBatches;
    mean.charged_bytes += one.charged_bytes / kBatches;
    mean.noise_variance += one.noise_variance / kBatches;
  }
  return mean;
}

bool near(double predicted, double measured, double within) {
  return std::abs(predicted - measured) <= within * measured;
}

void judge(const nlohmann::json& row, const NamedBudget& named, const std::string& label, SuiteResult& result) {
  const auto number = [&](const char* key) { return row.at(key).get<double>(); };
  const auto missed = [&](const std::string& what) { result.failures.push_back(label + ": " + what); };
  if (row.contains("limit_bytes") && !near(number("predicted_peak_bytes"), number("peak_bytes"), kPeak))
    missed("the peak is not within 3 %");
  if (!near(number("predicted_charged_bytes"), number("charged_bytes"), kBytes))
    missed("charged bytes are not within 5 %");
  const double predicted = number("noise_predicted"), noise = number("noise");  // a NaN misses
  if (!(predicted <= kNoise * noise && noise <= kNoise * predicted)) missed("the noise is not within a factor 1.5");
  const double said = number("predicted_step_ratio"), took = number("step_ratio");
  const bool overhead =
      said > 1 && took > 1 && (said - 1) <= kOverhead * (took - 1) && (took - 1) <= kOverhead * (said - 1);
  if (std::abs(said - took) > kStepRatio && !overhead)
    missed("the step ratio is neither within 0.03 nor its overhead within 1.5");
  if (row.contains("observed_step_ratio") && number("observed_step_ratio") > kObserved)
    missed("the observed step took more than twice as long as stock's");
  if (named.most_noise && !(noise <= *named.most_noise)) missed("more noise than was allowed");
  if (named.least_ratio && number("raw_of_charged") < *named.least_ratio) missed("raw over charged bytes falls short");
}

void measure(const Case& c, const NamedBudget& named, const SuiteOptions& suite, SuiteResult& result) {
  const TemporaryFile file;
  train::Options options = trainer_options(c.what, suite, c.steps);
  options.text = suite.text;
  options.budget = named.name;
  options.budget_value = named.budget;
  options.save_plan = file.path();
  GradientNoise noise;
  options.after_training = [&](train::Training& training) { noise = true_noise(training, file.path()); };
  const train::Outcome outcome = train::try_train(options);
  const std::string label = to_string(c.what) + ", " + named.name;
  nlohmann::json row = {{"model", c.what.model}, {"batch", c.what.batch},      {"budget", named.name},
                        {"steps", c.steps},      {"timed_steps", kTimedSteps}, {"batches", kBatches},
                        {"draws", kDraws}};
  if (!outcome.refusal.empty() || !outcome.baseline_run) {
    result.failures.push_back(label + ": " + (outcome.refusal.empty() ? "stock did not run" : outcome.refusal));
    row["refusal"] = outcome.refusal;
    result.rows.push_back(row);
    return;
  }
  const Plan plan = Plan::from_json_file(file.path());
  if (outcome.limit_bytes > 0) row["limit_bytes"] = outcome.limit_bytes;
  const size_t count = outcome.cinch_run.steps.size();
  row["predicted_peak_bytes"] = plan.predicted_peak_bytes;
  row["peak_bytes"] = outcome.cinch_run.peak_bytes(count - std::min(count, kTimedSteps));
  row["raw_bytes"] = noise.raw_bytes;
  row["predicted_charged_bytes"] = outcome.payload_bytes;  // all of them are alive as the backward begins
  row["charged_bytes"] = noise.charged_bytes;
  row["raw_of_charged"] = static_cast<double>(noise.raw_bytes) / static_cast<double>(noise.charged_bytes);
  row["noise_predicted"] = plan.predicted_noise;
  row["noise"] = std::sqrt(noise.noise_variance);
  row["effective_batch"] = outcome.usage.effective_batch;
  row["gradient_variance"] = outcome.usage.gradient_variance;
  const std::vector<double> ours = step_seconds(timed(outcome.cinch_run));
  const std::vector<double> stock = step_seconds(timed(*outcome.baseline_run));
  const std::vector<double> ratios = turn_ratios(ours, stock, train::kTurnSteps);
  const double theirs = median(stock);
  row["step_seconds"] = median_of_numbers(ours);
  row["measuring_steps"] = std::ranges::count_if(ours, [](double seconds) { return std::isnan(seconds); });
  row["baseline_step_seconds"] = theirs;
  row["predicted_step_ratio"] = 1 + plan.predicted_extra_seconds / theirs;
  row["step_ratio"] = median(ratios);
  row["step_ratio_standard_error"] = median_standard_error(ratios);
  // Under a relative limit the profile is the rehearsal's.
  if (outcome.limit_bytes == 0) row["observed_step_ratio"] = outcome.cinch_run.steps.at(kObservedStep).seconds / theirs;
  if (!suite.quick) judge(row, named, label, result);
  result.rows.push_back(row);
}

SuiteResult run(const SuiteOptions& suite) {
  SuiteResult result;
  result.columns = {"model",
                    "budget",
                    "predicted_peak_bytes",
                    "peak_bytes",
                    "predicted_charged_bytes",
                    "charged_bytes",
                    "raw_of_charged",
                    "noise_predicted",
                    "noise",
                    "predicted_step_ratio",
                    "step_ratio",
                    "step_ratio_standard_error",
                    "observed_step_ratio"};
  for (const Case& c : cases(suite))
    for (const NamedBudget& named : budgets(c.what.model, suite.quick)) measure(c, named, suite, result);
  return result;
}

const Registration registration("predicted", "what plans foretell beside what happens, of five networks", run,
                                Devices::kCpu, Network::kChosen, {.text = true, .dump = false});

}  // namespace
}  // namespace cinch::bench
