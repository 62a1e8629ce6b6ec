/// One training: model, optimizer, batches, learning rate. Knows nothing of cinch, so that the run with it and the run
/// without it are the same program.
#pragma once

#include <torch/optim/optimizer.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "examples/data/data_set.h"
#include "examples/data/sampler.h"
#include "examples/models/model.h"
#include "examples/train/options.h"

namespace cinch::train {

struct Evaluation {
  double loss = 0.0, accuracy = 0.0;
  int64_t samples = 0;
};

class Training {
 public:
  /// Seeds torch's generator, then makes the model. Throws Error for an unknown model or data it cannot take.
  Training(const Options& options, const data::DataSet& data);

  /// The batch of the next step.
  models::Batch next_batch();
  /// Zeroes gradients, forward, backward, optimizer step. Returns the loss.
  double step(const models::Batch& batch);
  /// Over the first `samples` of the test part, without autograd, in batches of the training's size: a larger one could
  /// need more than the limit that training keeps to. Gradients are dropped first.
  Evaluation evaluate(int64_t samples);

  models::Model& model() { return *model_; }
  torch::optim::Optimizer& optimizer() { return *optimizer_; }
  int64_t total_steps() const { return total_steps_; }
  int64_t steps_done() const { return steps_done_; }

 private:
  friend class Snapshot;
  void make_optimizer();
  double learning_rate() const;

  const Options options_;
  const data::DataSet& data_;
  std::shared_ptr<models::Model> model_;
  std::unique_ptr<torch::optim::Optimizer> optimizer_;
  data::Sampler sampler_;
  int64_t total_steps_ = 0, steps_done_ = 0;
  double peak_rate_ = 0.0;
};

/// A training as it was, kept outside torch's memory so that the copy does not count against anything. For trainings
/// that have not begun: the optimizer is made anew.
class Snapshot {
 public:
  /// Throws Error when steps were already done.
  explicit Snapshot(Training& training);
  /// Parameters, buffers, gradients (none), optimizer, batches, and torch's default CPU generator.
  void restore();

 private:
  Training& training_;
  std::vector<std::vector<char>> tensors_;
  std::vector<char> generator_;
  data::Sampler sampler_;
};

/// The data set that the options name. Throws Error.
std::unique_ptr<data::DataSet> load_data(const Options& options);

}  // namespace cinch::train
