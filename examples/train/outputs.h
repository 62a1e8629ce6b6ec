/// The files that a training writes.
#pragma once

#include <string>
#include <vector>

#include "examples/train/outcome.h"

namespace cinch::train {

/// Before anything that takes time. Throws Error, one sentence: two of them are the same, one cannot be written, or
/// there would be nothing to write. What a report needs besides is in report_page.h.
void check_outputs(const Options& options);
/// The same of a run of so many steps, which only the data's size may tell: of one that ends before it has a profile or
/// a plan, nothing could be written that needs them.
void check_steps(const Options& options, const Budget& budget, int64_t steps);

/// After a run: a sentence for each file that was asked for and not written, with the reason and what to do.
std::vector<std::string> unwritten(const Outcome& outcome);

}  // namespace cinch::train
