/// --report: the run as one HTML file.
#pragma once

#include "examples/train/outcome.h"

namespace cinch::train {

/// Before anything that takes time. Throws Error where no report could be written in the end: a path that cannot be
/// written, or a run without a profile.
void check_report(const Options& options, const Budget& budget);
/// The same of a run of so many steps, which only the data's size may tell.
void check_report_steps(const Options& options, const Budget& budget, int64_t steps);

/// Throws Error.
void write_report(const Outcome& outcome);

}  // namespace cinch::train
