// An outcome as a row of suite `train`: what was not measured is absent.
#include "examples/train/outcome.h"

namespace cinch::train {
namespace {

double samples_per_second(const Outcome& out, const RunResult& run) {
  return static_cast<double>(out.options.batch) / run.step_seconds(out.first_timed_step);
}

std::vector<double> of_steps(const RunResult& run, double StepRecord::*value) {
  std::vector<double> values;
  for (const StepRecord& step : run.steps) values.push_back(step.*value);
  return values;
}

void add_cinch_run(nlohmann::json& row, const Outcome& out) {
  const RunResult& run = out.cinch_run;
  if (run.steps.empty()) return;
  row["peak_bytes"] = run.peak_bytes();
  row["first_step_peak_bytes"] = run.steps.front().peak_bytes;
  row["loss"] = run.steps.back().loss;
  if (out.options.losses) {
    row["losses"] = of_steps(run, &StepRecord::loss);
    row["seconds"] = of_steps(run, &StepRecord::seconds);
    row["coding_seconds"] = of_steps(run, &StepRecord::coding_seconds);
  }
  if (!out.refusal.empty()) return;  // it ended before there was a plan, or in its midst: no times worth a name
  row["planned_peak_bytes"] = run.peak_bytes(out.first_timed_step);
  row["step_seconds"] = run.step_seconds(out.first_timed_step);
  row["samples_per_second"] = samples_per_second(out, run);
  if (run.evaluation) {
    row["accuracy"] = run.evaluation->accuracy;
    row["evaluation_peak_bytes"] = out.evaluation_peak_bytes;
  }
}

void add_payloads(nlohmann::json& row, const Outcome& out) {
  row["raw_bytes"] = out.usage.raw_bytes;
  row["charged_bytes"] = out.usage.charged_bytes;
  if (out.usage.charged_bytes > 0)
    row["raw_of_charged"] = static_cast<double>(out.usage.raw_bytes) / static_cast<double>(out.usage.charged_bytes);
  row["reclaims"] = out.usage.reclaims;
  row["fallbacks"] = out.usage.fallbacks;
  if (out.planned) {
    row["payload_bytes"] = out.payload_bytes;
    if (out.payload_bytes > 0)
      row["raw_of_payloads"] = static_cast<double>(out.usage.raw_bytes) / static_cast<double>(out.payload_bytes);
    row["noise"] = out.usage.gradient_noise;
    row["effective_batch"] = out.usage.effective_batch;
  }
}

void add_baseline(nlohmann::json& row, const Outcome& out) {
  if (const auto peak = out.baseline_peak_bytes()) row["baseline_peak_bytes"] = *peak;
  row["baseline_peak_measured"] = out.baseline_run.has_value();
  if (out.baseline_out_of_memory) row["baseline_out_of_memory"] = true;
  if (!out.baseline_run || out.baseline_run->steps.empty()) return;
  const double theirs = out.baseline_run->step_seconds(out.first_timed_step);
  row["baseline_step_seconds"] = theirs;
  row["baseline_samples_per_second"] = samples_per_second(out, *out.baseline_run);
  row["baseline_loss"] = out.baseline_run->steps.back().loss;
  if (out.options.losses) {
    row["baseline_losses"] = of_steps(*out.baseline_run, &StepRecord::loss);
    row["baseline_seconds"] = of_steps(*out.baseline_run, &StepRecord::seconds);
  }
  if (row.contains("step_seconds")) row["step_ratio"] = row["step_seconds"].get<double>() / theirs;
  if (out.baseline_run->evaluation) row["baseline_accuracy"] = out.baseline_run->evaluation->accuracy;
}

}  // namespace

nlohmann::json to_row(const Outcome& out) {
  const Options& o = out.options;
  nlohmann::json row = {{"model", o.model},
                        {"data", out.data},
                        {"device", o.device},
                        {"amp", o.amp},
                        {"batch", o.batch},
                        {"seed", o.seed},
                        {"budget", o.budget},
                        {"steps", out.cinch_run.steps.size()},
                        {"steps_over_limit", out.steps_over_limit},
                        {"metric", out.metric}};
  if (out.limit_bytes > 0) row["limit_bytes"] = out.limit_bytes;
  if (out.floor_bytes) row["floor_bytes"] = *out.floor_bytes;
  if (!out.refusal.empty()) row["refusal"] = out.refusal;
  add_cinch_run(row, out);
  if (out.refusal.empty()) add_payloads(row, out);
  add_baseline(row, out);
  return row;
}

}  // namespace cinch::train
