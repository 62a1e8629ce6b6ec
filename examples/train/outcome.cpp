#include "examples/train/outcome.h"

#include <cstdio>

#include "cinch/budget.h"

namespace cinch::train {
namespace {

std::string format(const char* pattern, double value) {
  char text[64];
  std::snprintf(text, sizeof text, pattern, value);
  return text;
}

std::string percent(double part) { return format("%.1f %%", 100.0 * part); }

class Table {
 public:
  void row(const std::string& what, const std::string& baseline, const std::string& cinch,
           const std::string& remark = "") {
    char line[160];
    std::snprintf(line, sizeof line, "%-20s %14s %14s", what.c_str(), baseline.c_str(), cinch.c_str());
    text_ += line + (remark.empty() ? "" : "   " + remark) + "\n";
  }
  void line(const std::string& text) { text_ += text + "\n"; }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

std::string steps_text(const Options& o, const RunResult& run) {
  return o.model + ", batch " + std::to_string(o.batch) + ", " + std::to_string(run.steps.size()) + " steps, seed " +
         std::to_string(o.seed) + ", " + o.device + (o.amp == "none" ? "" : ", " + o.amp);
}

void add_bytes(Table& table, const Outcome& out) {
  const auto baseline = out.baseline_peak_bytes();
  const int64_t peak = out.shown_peak_bytes();
  std::string remark;
  if (baseline && *baseline > 0) {
    const double saved = 1.0 - static_cast<double>(peak) / static_cast<double>(*baseline);
    remark = percent(std::abs(saved)) + (saved >= 0 ? " less" : " more");
    if (!out.baseline_run) remark += "; baseline simulated";
  }
  table.row("peak", baseline ? format_bytes(*baseline) : "-", format_bytes(peak), remark);
  const std::string wish = out.options.budget.size() <= 24 ? out.options.budget : "budget file";
  table.row("limit", "", out.limit_bytes > 0 ? format_bytes(out.limit_bytes) : "none", wish);
  table.row("floor", "", out.floor_bytes ? format_bytes(*out.floor_bytes) : "-");
  const Usage& usage = out.usage;
  std::string ratio;
  if (usage.raw_bytes > 0 && usage.charged_bytes > 0) {
    ratio = "raw / charged = " +
            format("%.2f", static_cast<double>(usage.raw_bytes) / static_cast<double>(usage.charged_bytes));
  }
  table.row("saved for backward", format_bytes(usage.raw_bytes), format_bytes(usage.charged_bytes), ratio);
}

void add_times(Table& table, const Outcome& out) {
  const double mine = out.cinch_run.step_seconds(out.first_timed_step);
  if (!out.baseline_run) return table.row("time of a step", "-", format("%.3f s", mine));
  const double theirs = out.baseline_run->step_seconds(out.first_timed_step);
  table.row("time of a step", format("%.3f s", theirs), format("%.3f s", mine),
            "ratio " + format("%.3f", mine / theirs));
}

}  // namespace

int64_t Outcome::shown_peak_bytes() const { return cinch_run.peak_bytes(limit_bytes > 0 ? 0 : first_timed_step); }

std::optional<int64_t> Outcome::baseline_peak_bytes() const {
  return baseline_run ? baseline_run->peak_bytes() : predicted_baseline_bytes;
}

std::string to_table(const Outcome& out, bool colour) {
  Table table;
  table.line(steps_text(out.options, out.cinch_run) + ", " + out.data);
  table.row("", "baseline", "cinch");
  add_bytes(table, out);
  add_times(table, out);
  const auto accuracy = [](const std::optional<Evaluation>& e) { return e ? percent(e->accuracy) : std::string("-"); };
  table.row("test accuracy", out.baseline_run ? accuracy(out.baseline_run->evaluation) : "-",
            accuracy(out.cinch_run.evaluation), out.metric == "accuracy" ? "" : out.metric);
  table.row("effective batch", "", out.planned ? percent(out.usage.effective_batch) : "-",
            out.planned ? "predicted" : "no plan yet");
  if (out.baseline_out_of_memory) table.line("Without cinch the training ran out of memory.");
  if (out.limit_bytes > 0) {
    const bool held = out.limit_held();
    std::string verdict = held ? "The limit held in every step."
                               : "The limit was exceeded in " + std::to_string(out.steps_over_limit) + " steps" +
                                     (out.evaluation_peak_bytes > out.limit_bytes ? " and in the evaluation." : ".");
    if (colour) verdict = (held ? "\033[32m" : "\033[31m") + verdict + "\033[0m";
    table.line(verdict);
  }
  return table.text();
}

}  // namespace cinch::train
