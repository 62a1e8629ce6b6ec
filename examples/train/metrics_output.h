/// --metrics and --metrics-file: what Prometheus gets while training runs.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "cinch/metrics.h"
#include "examples/train/options.h"
#include "examples/train/progress.h"

namespace cinch::train {

class MetricsOutput {
 public:
  /// Begins to listen, writes the file for the first time. Throws Error where either cannot be: before any training.
  explicit MetricsOutput(const Options& options);

  /// Where scrapes are answered, as a URL; empty: nowhere.
  std::string url() const;
  /// Writes the file again when it has become old. A failure is no reason to end a training: it is noted, once.
  void after_step(Progress& progress);
  /// Writes it whatever its age; to be called while the guard is active.
  void after_last_step(Progress& progress);

 private:
  const std::string file_;
  std::optional<MetricsExporter> exporter_;
  std::chrono::steady_clock::time_point written_;
  bool failed_ = false;
};

}  // namespace cinch::train
