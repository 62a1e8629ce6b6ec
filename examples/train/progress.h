/// How far the training is: one line that is rewritten on a terminal, a plain line now and then elsewhere.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>

#include "examples/train/run.h"

namespace cinch::train {

/// Whether `fd` wants colours: a terminal that is not dumb (TERM), and no NO_COLOR.
bool wants_colour(int fd);

class Progress {
 public:
  /// On standard output, or on standard error when standard output belongs to the results (--json -). A dumb terminal
  /// gets plain lines.
  Progress(int64_t steps, const Options& options);
  ~Progress();

  /// What is being done between steps: "rehearsal", "evaluation".
  void phase(const std::string& text);
  /// A step of the run with cinch is over. 0: no limit.
  void step(int64_t done, const StepRecord& record, int64_t limit_bytes);
  /// What has been found out on the way; it stays above the line.
  void milestone(const std::string& text);
  /// The same for what must be known even with --quiet, then on standard error: warnings, where metrics are.
  void note(const std::string& text);

 private:
  void show(const std::string& line);
  void erase();
  std::string line(int64_t done, const StepRecord& record, int64_t limit_bytes) const;

  FILE* out_;
  int64_t steps_, batch_, every_;
  bool quiet_, terminal_, colour_;
  size_t shown_ = 0;             ///< length of the line that is to be rewritten
  double recent_seconds_ = 0.0;  ///< of a step, smoothed
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
  bool begun_ = false;
};

}  // namespace cinch::train
