/// One training: model, optimizer, batches, learning rate, on any device. Knows nothing of cinch, so that the run with
/// it and the run without it are the same program.
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
  /// Seeds torch's generators, then makes the model on the CPU (the same weights on every device) and moves it. Throws
  /// Error for an unknown model, data it cannot take, or a device that cannot be used.
  Training(const Options& options, const data::DataSet& data);

  /// The batch of the next step, on the device.
  models::Batch next_batch();
  /// Zeroes gradients, forward, backward, optimizer step. Returns the loss.
  double step(const models::Batch& batch);
  /// Over the first `samples` of the test part, without autograd, in batches of the training's size: a larger one could
  /// need more than the limit that training keeps to. Gradients are dropped first.
  Evaluation evaluate(int64_t samples);

  models::Model& model() { return *model_; }
  torch::optim::Optimizer& optimizer() { return *optimizer_; }
  torch::Device device() const { return device_; }
  int64_t batch() const { return options_.batch; }
  int64_t total_steps() const { return total_steps_; }
  int64_t steps_done() const { return steps_done_; }

 private:
  friend class Snapshot;
  void make_optimizer();
  double learning_rate() const;
  models::Batch to_device(const models::Batch& batch) const;
  models::Output forward(const models::Batch& batch, bool score);

  const Options options_;
  const torch::Device device_;
  const data::DataSet& data_;
  std::shared_ptr<models::Model> model_;
  std::unique_ptr<torch::optim::Optimizer> optimizer_;
  data::Sampler sampler_;
  int64_t total_steps_ = 0, steps_done_ = 0;
  double peak_rate_ = 0.0;
};

/// The data set's name: as given, else the model's own. Throws Error for an unknown model.
std::string data_name(const Options& options);
/// The data set that the options name. Throws Error.
std::unique_ptr<data::DataSet> load_data(const Options& options);

}  // namespace cinch::train
