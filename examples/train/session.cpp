#include "examples/train/session.h"

#include <filesystem>
#include <optional>

#include "cinch/planner.h"
#include "cinch/torch/meter.h"
#include "examples/train/baseline_process.h"
#include "examples/train/device.h"
#include "examples/train/find_batch.h"
#include "examples/train/metrics_output.h"
#include "examples/train/outputs.h"
#include "examples/train/progress.h"
#include "examples/train/rehearsal.h"
#include "examples/train/report_page.h"

namespace cinch::train {
namespace {

GuardOptions guard_options(const Options& options, bool resolved, Progress& progress) {
  GuardOptions guard;
  guard.device = open_device(options.device);
  guard.load_plan = options.load_plan;
  guard.save_plan = options.save_plan;
  guard.save_profile = options.save_profile;
  guard.seed = options.seed;
  guard.batch = options.batch;
  guard.trace = options.trace;
  guard.trace_steps = options.trace_steps;
  std::error_code error;
  // A guard reads a watched file itself, and would then take a relative limit from its own first plan only, not from
  // the rehearsal: such a file is not watched.
  if (!resolved && std::filesystem::is_regular_file(options.budget, error)) guard.budget_file = options.budget;
  guard.on_event = [&progress](const Event& event) {
    if (event.kind == Event::Kind::kWarning) progress.note(event.message);
  };
  return guard;
}

// All that can be said before anything takes time.
void check(const Options& options, const Budget& budget) {
  validate(budget);
  open_device(options.device);
  check_outputs(options);
  if (!options.load_plan.empty()) Plan::from_json_file(options.load_plan);
  check_report(options, budget);
  if (options.steps > 0) check_steps(options, budget, options.steps);
}

// Trains with cinch, and without it in turns; checks the limit after every step.
void train_steps(Outcome& out, Training& training, BudgetGuard& guard, BaselineProcess* baseline, Progress& progress,
                 MetricsOutput& metrics) {
  LocalRun run(training, &guard);
  DeviceMeter& meter = DeviceMeter::of(training.device());
  const int64_t total = training.total_steps();
  for (int64_t done = 0; done < total;) {
    const int64_t turn_end = std::min(done + kTurnSteps, total);
    const int64_t turn_begin = done;
    for (; done < turn_end; ++done) {
      const int64_t limit = meter.limit_bytes();  // a watched budget file may change it between steps
      const StepRecord record = run.step();
      out.cinch_run.steps.push_back(record);
      const int64_t held = limit > 0 ? limit : meter.limit_bytes();
      if (limit > 0 && record.peak_bytes > limit) ++out.steps_over_limit;
      progress.step(done + 1, record, held);
      metrics.after_step(progress);
    }
    for (int64_t i = turn_begin; baseline != nullptr && i < turn_end; ++i)
      out.baseline_run->steps.push_back(baseline->step());
  }
  metrics.after_last_step(progress);
  out.limit_bytes = meter.limit_bytes();
  out.usage = guard.usage();
}

// A limit in bytes may be too small for the very first steps, before anything is known: the allocation that failed
// cannot say what would do. Two steps without the limit can; the training is over, so nothing needs to be brought back.
void explain(Training& training, const Budget& budget, Progress& progress) {
  progress.phase("two steps without the limit, to find the smallest one that would do");
  std::shared_ptr<const Profile> profile;
  try {
    profile = observe(training, budget.rules);
  } catch (const c10::OutOfMemoryError&) {
    return;  // nor does the device suffice: what failed first says it
  }
  if (profile) make_plan(*profile, budget);  // throws where no plan fits
}

void evaluate(Outcome& out, Training& training, BudgetGuard& guard, BaselineProcess* baseline, Progress& progress) {
  const int64_t samples = out.options.eval_samples;
  if (samples == 0) return;
  progress.phase("evaluating");
  DeviceMeter& meter = DeviceMeter::of(training.device());
  meter.reset_peak();
  out.cinch_run.evaluation = LocalRun(training, &guard).evaluate(samples);
  out.evaluation_peak_bytes = meter.peak_bytes();
  if (baseline != nullptr) out.baseline_run->evaluation = baseline->evaluate(samples);
}

// What the budget comes to in bytes, from a rehearsal where it is relative; null where none was needed.
std::shared_ptr<const Profile> resolve(Budget& budget, Training& training, const Options& options, Progress& progress) {
  if (!is_relative(budget)) return nullptr;
  progress.phase("rehearsal: two steps to resolve " + options.budget + " to bytes");
  const auto profile = rehearse(training, budget.rules);
  if (profile) {
    budget.limit = Budget::bytes(resolve_limit(*profile, budget)).limit;
    make_plan(*profile, budget);  // a budget that no plan meets is refused before the first step
  }
  return profile;
}

void take_over(Outcome& out, const StockRun& stock) {
  out.baseline_out_of_memory = stock.out_of_memory;
  if (!stock.out_of_memory) out.baseline_run = stock.run;
}

void train_under_guard(Outcome& out, Training& training, BaselineProcess* baseline, Progress& progress,
                       MetricsOutput& metrics) {
  Budget budget = out.options.budget_value ? *out.options.budget_value : Budget::parse(out.options.budget);
  validate(budget);
  auto profile = resolve(budget, training, out.options, progress);
  GuardOptions guard_settings = guard_options(out.options, profile != nullptr, progress);
  if (guard_settings.load_plan.empty()) {
    guard_settings.profile = profile;  // the first step has a plan already
  } else if (profile && !guard_settings.save_profile.empty()) {
    profile->save(guard_settings.save_profile);  // the guard, which does without it, saves only later ones
  }
  std::optional<BudgetGuard> guard(std::in_place, budget, guard_settings);
  guard->track("model", training.model());
  guard->track(training.optimizer());
  out.first_timed_step = static_cast<size_t>(guard_settings.observe_steps) + 1;
  try {
    train_steps(out, training, *guard, baseline, progress, metrics);
  } catch (const c10::OutOfMemoryError&) {
    const bool observed = profile != nullptr || guard->profile() != nullptr;
    guard.reset();
    if (!observed && budget.limit.kind != LimitKind::kNone) explain(training, budget, progress);
    throw;
  }
  out.planned = guard->plan() != nullptr;
  if (out.planned)
    for (const PlanEntry& entry : guard->plan()->entries) out.payload_bytes += entry.charged_bytes;
  out.plan = guard->plan();
  out.profile = guard->profile() ? guard->profile() : profile;
  if (!profile) profile = guard->profile();
  if (profile) {
    out.predicted_baseline_bytes = profile->baseline_peak_bytes();
    out.floor_bytes = profile->floor_bytes();
  }
  evaluate(out, training, *guard, baseline, progress);
}

void train_into(Outcome& out, const Options& asked, const StockRun* stock) {
  const Budget budget = asked.budget_value ? *asked.budget_value : Budget::parse(asked.budget);
  check(asked, budget);
  MetricsOutput metrics(asked);
  out.options = asked;
  if (asked.batch_auto) {
    Progress progress(0, asked);
    progress.phase("looking for the largest batch that trains under " + asked.budget);
    out.options.batch = find_batch(asked, [&](const std::string& what) { progress.milestone(what); });
    out.options.batch_auto = false;
  }
  const Options& options = out.options;
  const auto data = load_data(options);
  out.data = data_name(options);
  {
    Training training(options, *data);
    check_steps(options, budget, training.total_steps());
    out.metric = training.model().metric();
    Progress progress(training.total_steps(), options);
    if (!metrics.url().empty()) progress.note("metrics at " + metrics.url());
    std::unique_ptr<BaselineProcess> baseline;
    if (stock != nullptr) {
      take_over(out, *stock);
    } else if (options.baseline && !training.device().is_cpu()) {
      // Both at once might not fit the device, and nobody else makes it slower: no turns are needed.
      progress.phase("training without cinch");
      take_over(out, train_stock(options, training.total_steps()));
    } else if (options.baseline) {
      progress.phase("starting the run without cinch");
      baseline = std::make_unique<BaselineProcess>(options);
      out.baseline_run.emplace();
    }
    train_under_guard(out, training, baseline.get(), progress, metrics);
    if (options.after_training) options.after_training(training);
  }
  release_unused(open_device(options.device));
}

}  // namespace

Outcome train(const Options& options, const StockRun* stock) {
  Outcome out;
  train_into(out, options, stock);
  return out;
}

Outcome try_train(const Options& options, const StockRun* stock) {
  Outcome out;
  try {
    train_into(out, options, stock);
  } catch (const BudgetError& error) {
    out.refusal = error.what();
  } catch (const c10::OutOfMemoryError& error) {
    out.refusal = error.what_without_backtrace();
  }
  if (!out.refusal.empty()) release_unused(open_device(options.device));
  return out;
}

}  // namespace cinch::train
