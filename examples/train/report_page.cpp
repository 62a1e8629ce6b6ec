#include "examples/train/report_page.h"

#include "cinch/error.h"
#include "cinch/planner.h"
#include "examples/results/document.h"
#include "examples/train/rehearsal.h"
#include "src/report/report.h"

namespace cinch::train {

void check_report(const Options& options, const Budget& budget) {
  if (options.report.empty()) return;
  report::require_page();
  if (options.report == "-") throw Error("--report needs the name of a file");
  results::check_target(options.report);
  if (!options.load_plan.empty() && !is_relative(budget))
    throw Error(
        "--report needs a profile, which a run with --load-plan makes only for a relative budget (60%, floor+25%)");
}

void write_report(const Outcome& out) {
  if (out.options.report.empty()) return;
  if (!out.profile) throw Error("there is no report: the run was not observed");
  report::Input input;
  input.title = out.options.model + ", batch " + std::to_string(out.options.batch) + ", " + out.data;
  input.profile = *out.profile;
  if (out.plan) {
    // After a change of the program the plan may be older than the profile: carried over, as the guard does.
    input.plan = out.plan->fingerprint == out.profile->fingerprint ? *out.plan : apply_plan(*out.plan, *out.profile);
  }
  report::MeasuredRun run;
  run.peak_bytes = out.cinch_run.peak_bytes();
  run.limit_bytes = out.limit_bytes;
  run.steps = static_cast<int64_t>(out.cinch_run.steps.size());
  run.steps_over_limit = out.steps_over_limit;
  run.reclaims = out.usage.reclaims;
  run.step_seconds = out.cinch_run.step_seconds(out.first_timed_step);
  if (out.baseline_run && !out.baseline_run->steps.empty()) run.baseline_peak_bytes = out.baseline_run->peak_bytes();
  input.run = run;
  report::write(input, out.options.report);
}

}  // namespace cinch::train
