/// Activations as files, for compressors that are programs of their own.
#pragma once

#include "bench/activations.h"
#include "bench/suite.h"

namespace cinch::bench {

/// Writes each as raw float32 in the machine's byte order to `folder`, which is made where it is missing, and
/// index.json beside them: a document with a row a file. The rows are returned too. Throws Error where a file cannot be
/// written.
SuiteResult write_activations(const std::vector<Activation>& activations, const std::string& folder);

}  // namespace cinch::bench
