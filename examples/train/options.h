/// What the user asked of cinch-train.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "cinch/budget.h"
#include "cinch/torch/guard.h"

namespace cinch::train {

class Training;

struct Options {
  std::string model = "resnet18";
  std::string data;  ///< "fashion-mnist", "text", "synthetic-images", "synthetic-text"; empty: the model's own
  std::string text;  ///< text file; empty: LibTorch's headers
  std::string budget = "floor+25%";
  std::optional<Budget> budget_value;  ///< for programs: this one, which `budget` then only names
  std::string device = "cpu";          ///< "cpu", "cuda" or "cuda:N"
  std::string amp = "none";            ///< "bf16": forward and loss under autocast
  int64_t batch = 64;
  bool batch_auto = false;  ///< `batch` is to be found: the largest that trains under the budget
  int64_t epochs = 1;
  int64_t steps = 0;             ///< 0: as many as `epochs` take
  int64_t eval_samples = 10000;  ///< of the test part; 0: no evaluation
  uint64_t seed = 0;
  std::optional<double> lr, weight_decay;  ///< absent: the model's own
  double momentum = 0.9;
  std::string json;     ///< "-": standard output
  bool losses = false;  ///< the results have the loss and the seconds of every step
  std::string save_plan, load_plan, save_profile;
  std::string report;                 ///< HTML file at the end
  std::string metrics, metrics_file;  ///< "HOST:PORT" to serve them at; text file with them
  std::string trace;
  int64_t trace_steps = GuardOptions{}.trace_steps;
  bool baseline = false;
  bool quiet = false;
  std::function<void(Training&)> after_training;  ///< given what was trained, when its guard has ended
  int baseline_fd = -1;  ///< set in the process that trains without cinch: its end of the socket
  /// Which program that process runs: one that understands these options. This one, where it is cinch-train.
  std::string program = "/proc/self/exe";
};

/// The options, or the exit code when there is nothing to do: 0 after --help, 2 after one line about bad input.
struct ParseResult {
  Options options;
  std::optional<int> exit_code;
};
ParseResult parse_options(int argc, char** argv);

/// Arguments from which parse_options makes options of the same training: model, data, device, steps, rates. What is
/// cinch's or a report's is left out.
std::vector<std::string> training_arguments(const Options& options);

}  // namespace cinch::train
