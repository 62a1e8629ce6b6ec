/// How far the training is: one line that is rewritten on a terminal, a plain line now and then elsewhere.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>

#include "examples/train/run.h"

namespace cinch::train {

/// Whether `fd` wants colours: a terminal that is not dumb, and no NO_COLOR.
bool wants_colour(int fd);

class Progress {
 public:
  /// Standard output, or standard error when standard output belongs to the results (--json -).
  Progress(int64_t steps, const Options& options);
  ~Progress();

  /// What is being done between steps: "rehearsal", "evaluation".
  void phase(const std::string& text);
  /// A step of the run with cinch is over. 0: no limit.
  void step(int64_t done, const StepRecord& record, int64_t limit_bytes);
  /// A sentence of the guard, above the line.
  void note(const std::string& text);

 private:
  void show(const std::string& line, bool keep);
  std::string line(int64_t done, const StepRecord& record, int64_t limit_bytes) const;

  FILE* out_;
  int64_t steps_, batch_, every_;
  bool quiet_, terminal_, colour_, open_ = false;
  double recent_seconds_ = 0.0;  ///< of a step, smoothed
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
  bool begun_ = false;
};

}  // namespace cinch::train
