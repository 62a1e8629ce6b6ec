#include "bench/trainer.h"

#include <filesystem>

#include "cinch/error.h"

namespace cinch::bench {
namespace {

namespace fs = std::filesystem;

std::string trainer_beside_this_program() {
  std::error_code error;
  const fs::path trainer = fs::read_symlink("/proc/self/exe", error).parent_path() / "cinch-train";
  if (!fs::exists(trainer, error)) throw Error(trainer.string() + ": not found; build cinch-train too");
  return trainer.string();
}

}  // namespace

train::Options trainer_options(const TrainingCase& what, const SuiteOptions& suite, int64_t steps) {
  train::Options options;
  options.model = what.model;
  options.data = what.data;
  options.batch = what.batch;
  options.amp = what.amp;
  options.device = suite.device.str();
  options.steps = steps;
  options.eval_samples = 0;
  options.quiet = true;
  options.baseline = true;
  options.program = trainer_beside_this_program();
  return options;
}

bool takes_turns(const SuiteOptions& suite) { return suite.device.is_cpu() && !suite.quick; }

std::string to_string(const TrainingCase& what) {
  return what.model + ", batch " + std::to_string(what.batch) + (what.amp == "none" ? "" : ", " + what.amp);
}

}  // namespace cinch::bench
