/// A training as it was, kept outside torch's memory so that the copy does not count against anything.
#pragma once

#include <vector>

#include "examples/train/training.h"

namespace cinch::train {

/// For trainings that have not begun: the optimizer is made anew.
class Snapshot {
 public:
  /// Throws Error when steps were already done.
  explicit Snapshot(Training& training);
  /// Parameters, buffers, gradients (none), optimizer, batches, and torch's default generators of the CPU and of the
  /// training's device.
  void restore();

 private:
  Training& training_;
  std::vector<std::vector<char>> tensors_, generators_;
  data::Sampler sampler_;
};

}  // namespace cinch::train
