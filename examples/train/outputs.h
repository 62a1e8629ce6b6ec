/// The files that a training writes.
#pragma once

#include "examples/train/options.h"

namespace cinch::train {

/// Before anything that takes time. Throws Error, one sentence: two of them are the same, one cannot be written, or
/// there would be nothing to write. What a report needs besides is in report_page.h.
void check_outputs(const Options& options);

}  // namespace cinch::train
