/// The whole job of cinch-train: data, model, rehearsal, training under the budget (and without it), evaluation.
#pragma once

#include "examples/train/outcome.h"

namespace cinch::train {

/// Throws Error for bad input and for budgets that cannot be met, OutOfBudget when the limit left no way.
Outcome train(const Options& options);

}  // namespace cinch::train
