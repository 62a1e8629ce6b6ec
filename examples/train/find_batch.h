/// --batch auto: the largest batch that trains under a limit.
#pragma once

#include <functional>

#include "examples/train/options.h"

namespace cinch::train {

/// Looks at two small batches, asks advise_batch how many samples should fit, and then trains a few steps to see
/// whether they do: so many more or fewer, a few per cent at a time, until the answer is within kBatchStep of the
/// largest. Each attempt is a training of its own that is let go again. `note` is told of each. Throws Error where the
/// budget has no limit in bytes or not even one sample fits.
int64_t find_batch(const Options& options, const std::function<void(const std::string&)>& note);

/// Attempts differ by this share.
constexpr double kBatchStep = 0.04;

/// Whether a few steps of this training keep to the budget: those that observe, and two under the plan.
bool trains(const Options& options, int64_t batch);

}  // namespace cinch::train
