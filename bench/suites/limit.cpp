// Trainings under a limit in bytes, from step 1 on: does it hold, what does it cost, and would stock have fitted?
#include <optional>

#include "bench/suite.h"
#include "bench/trainer.h"
#include "cinch/planner.h"
#include "cinch/profile.h"
#include "examples/train/rehearsal.h"
#include "examples/train/session.h"

namespace cinch::bench {
namespace {

// Share of the way from the floor to the baseline. At the floor itself a refusal is expected.
constexpr double kAboveFloor[] = {0.50, 0.25, 0.10, 0.05, 0.0};

// From here up a refusal where a plan exists is a failure.
constexpr double kMustTrain = 0.25;

// Stock runs out in the first steps or not at all: the second one has the optimizer's state as well.
constexpr int64_t kStockSteps = 3;

// What all limits of one network have in common.
struct Setting {
  TrainingCase what;
  train::Options options;
  std::shared_ptr<const Profile> profile;
  std::optional<train::StockRun> stock;  // where the runs do not take turns
};

struct Question {
  double above_floor = 0.0;
  double min_effective_batch = 0.0;
  int64_t limit_bytes = 0;
  bool stock_out_of_memory = false;
};

std::vector<TrainingCase> cases(const SuiteOptions& options) {
  if (options.device.is_cpu()) {
    if (options.quick) return {{"gpt", "text", 8}};
    return {{"resnet18", "fashion-mnist", 64}};
  }
  if (options.quick) return {{"resnet50", "synthetic-images", 32, "bf16"}};
  return {{"resnet50", "synthetic-images", 128}, {"gpt2", "synthetic-text", 8, "bf16"}};
}

// On the CPU the first half measures what errors cost and takes longer; the median is of what comes then.
int64_t steps_of(const SuiteOptions& options) { return options.quick ? 5 : options.device.is_cpu() ? 83 : 23; }

Budget budget_of(const Question& q) {
  Budget budget = Budget::bytes(q.limit_bytes);
  budget.min_effective_batch = q.min_effective_batch;
  return budget;
}

// Whether the planner sees a way, from what stock's two steps showed.
bool plan_exists(const Profile& profile, const Budget& budget) {
  try {
    make_plan(profile, budget);
    return true;
  } catch (const BudgetError&) {
    return false;
  }
}

void check(const nlohmann::json& row, const std::string& label, SuiteResult& result) {
  const int64_t limit = row.at("limit_bytes");
  if (row.value("peak_bytes", int64_t{0}) > limit || row.at("steps_over_limit").get<int64_t>() > 0)
    result.failures.push_back(label + ": the peak was above the limit");
  // Until the first plan payloads are coded without foresight, oldest first and in 2 bits at best: close to the floor a
  // training may be refused in its first steps where a plan would do. The row shows it; further up nothing excuses it.
  const bool far_enough = row.at("above_floor").get<double>() >= kMustTrain;
  if (far_enough && row.at("refused").get<bool>() && row.at("plan_exists").get<bool>())
    result.failures.push_back(label + ": refused, although there is a plan: " + row.at("refusal").get<std::string>());
}

// One training under the limit. False where it was refused.
bool measure(const Setting& setting, const Question& q, SuiteResult& result) {
  train::Options options = setting.options;
  options.budget = std::to_string(q.limit_bytes);
  options.budget_value = budget_of(q);
  const train::Outcome outcome = train::try_train(options, setting.stock ? &*setting.stock : nullptr);
  nlohmann::json row = train::to_row(outcome);
  row["above_floor"] = q.above_floor;
  row["min_effective_batch"] = q.min_effective_batch;
  row["limit_bytes"] = q.limit_bytes;
  row["floor_bytes"] = setting.profile->floor_bytes();
  if (!row.contains("baseline_peak_bytes")) row["baseline_peak_bytes"] = setting.profile->baseline_peak_bytes();
  row["completed_steps"] = outcome.cinch_run.steps.size();
  row["stock_out_of_memory"] = q.stock_out_of_memory;
  row["refused"] = !outcome.refusal.empty();
  row["plan_exists"] = plan_exists(*setting.profile, *options.budget_value);
  check(row, to_string(setting.what) + ", limit " + format_bytes(q.limit_bytes), result);
  result.rows.push_back(row);
  return outcome.refusal.empty();
}

void measure(const TrainingCase& what, const SuiteOptions& suite, SuiteResult& result) {
  Setting setting{what, trainer_options(what, suite, steps_of(suite)), nullptr, {}};
  setting.profile = train::rehearse(setting.options);
  if (!setting.profile) throw Error("suite 'limit' needs guards; unset CINCH_DISABLE");
  if (!takes_turns(suite)) setting.stock = train::train_stock(setting.options, setting.options.steps);
  const int64_t floor = setting.profile->floor_bytes(), baseline = setting.profile->baseline_peak_bytes();
  for (const double share : kAboveFloor) {
    Question q{share, Budget{}.min_effective_batch, 0, false};
    q.limit_bytes = floor + static_cast<int64_t>(share * static_cast<double>(baseline - floor));
    q.stock_out_of_memory = train::train_stock(setting.options, kStockSteps, q.limit_bytes).out_of_memory;
    if (measure(setting, q, result)) continue;
    // Where the noise bound may be what forbids it: what would happen without.
    q.min_effective_batch = 0.0;
    measure(setting, q, result);
  }
}

SuiteResult run(const SuiteOptions& options) {
  SuiteResult result;
  result.columns = {"model",
                    "above_floor",
                    "min_effective_batch",
                    "limit_bytes",
                    "peak_bytes",
                    "first_step_peak_bytes",
                    "completed_steps",
                    "stock_out_of_memory",
                    "refused",
                    "plan_exists",
                    "reclaims",
                    "noise",
                    "step_ratio"};
  for (const TrainingCase& what : cases(options)) measure(what, options, result);
  return result;
}

const Registration registration("limit", "trainings under a limit in bytes, where stock would run out of memory", run,
                                Devices::kCpuAndCuda);

}  // namespace
}  // namespace cinch::bench
