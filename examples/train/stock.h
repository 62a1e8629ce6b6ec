/// The run without cinch from its first step to its last, before or after the run with it: where both would not fit a
/// device at once, and where a limit is put to stock torch. (Where a machine is busy the two runs take turns instead.)
#pragma once

#include "examples/train/options.h"
#include "examples/train/run.h"

namespace cinch::train {

struct StockRun {
  RunResult run;               ///< of the steps that were completed
  bool out_of_memory = false;  ///< it ended there
};

/// In a process of its own, which has ended when this returns: `steps` steps, then the evaluation that the options ask
/// for. `limit_bytes` > 0 sets the meter's limit first, and nothing else. Throws Error where the process failed.
StockRun train_stock(const Options& options, int64_t steps, int64_t limit_bytes = 0);

}  // namespace cinch::train
