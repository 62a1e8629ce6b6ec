#include "examples/train/session.h"

#include <filesystem>
#include <optional>

#include "cinch/planner.h"
#include "cinch/torch/meter.h"
#include "cinch/torch/out_of_budget.h"
#include "examples/results/document.h"
#include "examples/train/baseline_process.h"
#include "examples/train/progress.h"
#include "examples/train/rehearsal.h"

namespace cinch::train {
namespace {

// The two runs change turns after so many steps.
constexpr int64_t kTurn = 10;

bool is_relative(const Budget& budget) {
  return budget.limit.kind == LimitKind::kFractionOfBaseline || budget.limit.kind == LimitKind::kAboveFloor;
}

GuardOptions guard_options(const Options& options, bool resolved, Progress& progress) {
  GuardOptions guard;
  guard.load_plan = options.load_plan;
  guard.save_plan = options.save_plan;
  guard.save_profile = options.save_profile;
  guard.seed = options.seed;
  std::error_code error;
  // A guard reads a watched file itself, and would then take a relative limit from its own first plan only, not from
  // the rehearsal: such a file is not watched.
  if (!resolved && std::filesystem::is_regular_file(options.budget, error)) guard.budget_file = options.budget;
  guard.on_event = [&progress](const Event& event) {
    if (event.kind == Event::Kind::kWarning) progress.note(event.message);
  };
  return guard;
}

void check(const Options& options) {
  if (options.device != "cpu") throw Error("device '" + options.device + "' is not supported; use cpu");
  if (!options.json.empty()) results::check_target(options.json);
  for (const std::string& path : {options.save_plan, options.save_profile}) {
    if (!path.empty()) results::check_target(path);
  }
}

// Trains with cinch, and without it in turns; checks the limit after every step.
void train_steps(Outcome& out, Training& training, BudgetGuard& guard, BaselineProcess* baseline, Progress& progress) {
  LocalRun run(training, &guard);
  DeviceMeter& meter = DeviceMeter::of(torch::kCPU);
  const int64_t total = training.total_steps();
  for (int64_t done = 0; done < total;) {
    const int64_t turn_end = std::min(done + kTurn, total);
    const int64_t turn_begin = done;
    for (; done < turn_end; ++done) {
      const int64_t limit = meter.limit_bytes();  // a watched budget file may change it between steps
      const StepRecord record = run.step();
      out.cinch_run.steps.push_back(record);
      const int64_t held = limit > 0 ? limit : meter.limit_bytes();
      if (limit > 0 && record.peak_bytes > limit) ++out.steps_over_limit;
      progress.step(done + 1, record, held);
    }
    for (int64_t i = turn_begin; baseline != nullptr && i < turn_end; ++i)
      out.baseline_run->steps.push_back(baseline->step());
  }
  out.limit_bytes = meter.limit_bytes();
  out.usage = guard.usage();
}

// A limit in bytes may be too small for the very first step, of which nothing is known yet: the allocation that failed
// cannot say what would do. A rehearsal without the limit can.
[[noreturn]] void explain(const OutOfBudget& error, Training& training, const Budget& budget, Progress& progress) {
  progress.phase("rehearsal without the limit: two steps to find the smallest one that would do");
  if (const auto profile = rehearse(training)) make_plan(*profile, budget);  // throws where no plan fits
  throw OutOfBudget(error);
}

void evaluate(Outcome& out, Training& training, BudgetGuard& guard, BaselineProcess* baseline, Progress& progress) {
  const int64_t samples = out.options.eval_samples;
  if (samples == 0) return;
  progress.phase("evaluating");
  DeviceMeter& meter = DeviceMeter::of(torch::kCPU);
  meter.reset_peak();
  out.cinch_run.evaluation = LocalRun(training, &guard).evaluate(samples);
  out.evaluation_peak_bytes = meter.peak_bytes();
  if (baseline != nullptr) out.baseline_run->evaluation = baseline->evaluate(samples);
}

}  // namespace

Outcome train(const Options& options) {
  check(options);
  Budget budget = Budget::parse(options.budget);
  validate(budget);
  Outcome out;
  out.options = options;
  const auto data = load_data(options);
  out.data = data->kind() == models::DataKind::kText ? "text" : "fashion-mnist";
  Training training(options, *data);
  out.metric = training.model().metric();
  Progress progress(training.total_steps(), options);

  std::unique_ptr<BaselineProcess> baseline;
  if (options.baseline) {
    progress.phase("starting the run without cinch");
    baseline = std::make_unique<BaselineProcess>(options);
    out.baseline_run.emplace();
  }
  std::shared_ptr<const Profile> profile;
  if (is_relative(budget)) {
    progress.phase("rehearsal: two steps to resolve " + options.budget + " to bytes");
    profile = rehearse(training);
    if (profile) {
      budget.limit = Budget::bytes(resolve_limit(*profile, budget)).limit;
      make_plan(*profile, budget);  // a budget that no plan meets is refused before the first step
    }
  }
  const GuardOptions guard_settings = guard_options(options, profile != nullptr, progress);
  std::optional<BudgetGuard> guard(std::in_place, budget, guard_settings);
  guard->track("model", training.model());
  guard->track(training.optimizer());
  out.first_timed_step = static_cast<size_t>(guard_settings.observe_steps) + 1;

  try {
    train_steps(out, training, *guard, baseline.get(), progress);
  } catch (const OutOfBudget& error) {
    const bool observed = profile != nullptr || guard->profile() != nullptr;
    guard.reset();
    if (observed) throw;
    explain(error, training, budget, progress);
  }
  out.planned = guard->plan() != nullptr;
  if (!profile) profile = guard->profile();
  if (profile) {
    out.predicted_baseline_bytes = profile->baseline_peak_bytes();
    out.floor_bytes = profile->floor_bytes();
  }
  evaluate(out, training, *guard, baseline.get(), progress);
  return out;
}

}  // namespace cinch::train
