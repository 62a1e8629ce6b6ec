#include "examples/train/metrics_output.h"

#include "cinch/error.h"

namespace cinch::train {
namespace {

// The file's age at most, where steps are shorter than that: about as often as Prometheus asks.
constexpr auto kOld = std::chrono::seconds(15);

}  // namespace

MetricsOutput::MetricsOutput(const Options& options) : file_(options.metrics_file) {
  if (!options.metrics.empty()) exporter_.emplace(options.metrics);
  if (file_.empty()) return;
  write_metrics_file(file_);
  written_ = std::chrono::steady_clock::now();
}

std::string MetricsOutput::url() const { return exporter_ ? "http://" + exporter_->address() + "/metrics" : ""; }

void MetricsOutput::after_step(Progress& progress) {
  if (!file_.empty() && std::chrono::steady_clock::now() - written_ >= kOld) after_last_step(progress);
}

void MetricsOutput::after_last_step(Progress& progress) {
  if (file_.empty()) return;
  try {
    written_ = std::chrono::steady_clock::now();
    write_metrics_file(file_);
    failed_ = false;
  } catch (const Error& error) {
    if (!failed_) progress.note(std::string("metrics: ") + error.what());
    failed_ = true;
  }
}

}  // namespace cinch::train
