/// The run without cinch, in a process of its own: a second model in this one would count against the limit and the
/// peaks. It trains only when told to, so that the two runs take turns and a busy machine slows both alike.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "examples/train/run.h"

namespace cinch::train {

class BaselineProcess : public Run {
 public:
  /// Starts this program again with the same arguments and waits until its model stands. Throws Error.
  explicit BaselineProcess(const Options& options);
  /// Ends the process.
  ~BaselineProcess() override;
  BaselineProcess(const BaselineProcess&) = delete;
  BaselineProcess& operator=(const BaselineProcess&) = delete;

  /// Both throw Error when the process failed or died.
  StepRecord step() override;
  Evaluation evaluate(int64_t samples) override;

 private:
  nlohmann::json ask(const std::string& request);

  int fd_ = -1;
  int pid_ = -1;
  std::string pending_;
};

/// The other side: serves requests from options.baseline_fd until the socket closes. Returns the exit code.
int serve_baseline(const Options& options);

}  // namespace cinch::train
