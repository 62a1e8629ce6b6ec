/// What suites that train have in common: the trainer of cinch-train, run from within, beside stock torch in a process
/// of its own.
#pragma once

#include <string>

#include "bench/suite.h"
#include "examples/train/options.h"

namespace cinch::bench {

/// What is trained; the rest of the options follows from it.
struct TrainingCase {
  std::string model, data;
  int64_t batch = 0;
  std::string amp = "none";
};

/// Options of `steps` steps on the suite's device, silent, without an evaluation. Throws Error where cinch-train does
/// not lie beside this program: the run without cinch is one of its own.
train::Options trainer_options(const TrainingCase& what, const SuiteOptions& suite, int64_t steps);

/// Whether each run has its own run of stock beside it, in turns: on the CPU, where others make both slower. A device
/// is not shared, and in a quick run times say nothing: one run of stock will do for several.
bool takes_turns(const SuiteOptions& suite);

/// "resnet18, batch 64", for messages.
std::string to_string(const TrainingCase& what);

}  // namespace cinch::bench
