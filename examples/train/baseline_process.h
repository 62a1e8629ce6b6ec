/// The run without cinch, in a process of its own: a second model in this one would count against the limit and the
/// peaks. It trains only when told to, so that the two runs take turns and a busy machine slows both alike.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "cinch/error.h"
#include "examples/train/options.h"
#include "examples/train/run.h"

namespace cinch::train {

/// The run without cinch ran out of memory: a result, where it is a question.
class BaselineOutOfMemory : public Error {
 public:
  using Error::Error;
};

class BaselineProcess : public Run {
 public:
  /// Starts options.program for the same training and waits until its model stands. Throws Error.
  explicit BaselineProcess(const Options& options);
  /// Ends the process.
  ~BaselineProcess() override;
  BaselineProcess(const BaselineProcess&) = delete;
  BaselineProcess& operator=(const BaselineProcess&) = delete;

  /// All throw Error when the process failed or died, BaselineOutOfMemory when the device or the limit had no more.
  StepRecord step() override;
  Evaluation evaluate(int64_t samples) override;
  /// Of the other process's meter; no guard stands by, so that stock torch is what runs out.
  void set_limit(int64_t bytes);

 private:
  nlohmann::json ask(const std::string& request);

  int fd_ = -1;
  int pid_ = -1;
  std::string pending_;
};

/// The other side: serves requests from options.baseline_fd until the socket closes. Returns the exit code.
int serve_baseline(const Options& options);

}  // namespace cinch::train
