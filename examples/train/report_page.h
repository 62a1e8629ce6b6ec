/// --report: the run as one HTML file.
#pragma once

#include "examples/train/outcome.h"

namespace cinch::train {

/// Before anything that takes time. Throws Error where no report could be written in the end.
void check_report(const Options& options);

/// Before the first step, when the length of the run and its profile are known: a report needs one. `observed`: there
/// is a profile already.
void check_report_has_profile(const Options& options, bool observed, int64_t steps, int64_t observe_steps);

/// Throws Error.
void write_report(const Outcome& outcome);

}  // namespace cinch::train
