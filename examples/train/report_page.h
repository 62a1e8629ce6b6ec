/// --report: the run as one HTML file.
#pragma once

#include "examples/train/outcome.h"

namespace cinch::train {

/// Before anything that takes time. Throws Error where no report could be written in the end: a path that cannot be
/// written, or a run without a profile (of too few steps: check_steps in outputs.h).
void check_report(const Options& options, const Budget& budget);

/// Throws Error.
void write_report(const Outcome& outcome);

}  // namespace cinch::train
