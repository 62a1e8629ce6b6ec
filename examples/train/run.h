/// Two runs with one face: training in this process (with or without cinch), and the same training without cinch in
/// another process. Both measure themselves in the same way.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "cinch/torch/guard.h"
#include "examples/train/training.h"

namespace cinch::train {

/// One step as measured: seconds from the batch at hand to the end of guard.step(), the meter's peak, and seconds of
/// coding and decoding among the others, added up over threads.
struct StepRecord {
  double seconds = 0.0, loss = 0.0;
  int64_t peak_bytes = 0;
  double coding_seconds = 0.0;
};

class Run {
 public:
  virtual ~Run() = default;
  virtual StepRecord step() = 0;
  virtual Evaluation evaluate(int64_t samples) = 0;
};

/// Training in this process. The guard may be null.
class LocalRun : public Run {
 public:
  LocalRun(Training& training, BudgetGuard* guard) : training_(training), guard_(guard) {}
  StepRecord step() override;
  Evaluation evaluate(int64_t samples) override;

 private:
  Training& training_;
  BudgetGuard* guard_;
};

/// What a run gave, for the report.
struct RunResult {
  std::vector<StepRecord> steps;
  std::optional<Evaluation> evaluation;

  // Both over the steps from `first` on, or over all of them when there are no more.
  int64_t peak_bytes(size_t first = 0) const;
  /// Median.
  double step_seconds(size_t first) const;
};

}  // namespace cinch::train
