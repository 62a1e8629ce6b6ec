/// The whole job of cinch-train: data, model, rehearsal, training under the budget (and without it), evaluation.
#pragma once

#include "examples/train/outcome.h"
#include "examples/train/stock.h"

namespace cinch::train {

/// On the CPU the two runs change turns after so many steps, the one with cinch first.
constexpr int64_t kTurnSteps = 10;

/// With options.baseline the run without cinch takes turns with this one on the CPU, and comes first on other devices.
/// `stock` is such a run that was made before. Throws Error for bad input and for budgets that cannot be met,
/// c10::OutOfMemoryError when the limit (or the device) left no way.
Outcome train(const Options& options, const StockRun* stock = nullptr);

/// The same, but a budget that cannot be met is a result: `refusal` says why, and the steps are those before it.
Outcome try_train(const Options& options, const StockRun* stock = nullptr);

}  // namespace cinch::train
