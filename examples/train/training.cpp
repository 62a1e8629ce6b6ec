#include "examples/train/training.h"

#include <torch/torch.h>

#include "cinch/error.h"
#include "examples/train/autocast.h"
#include "examples/train/device.h"

namespace cinch::train {
namespace {

struct Recipe {
  bool adamw;
  double lr, weight_decay;
};

Recipe recipe_of(const std::string& model) {
  if (model == "gpt") return {true, 1e-3, 0.01};
  if (model == "gpt2" || model == "vit_b16") return {true, 3e-4, 0.1};
  if (model == "vgg16") return {false, 0.01, 5e-4};
  if (model == "lstm") return {false, 0.1, 0.0};
  return {false, 0.05, 5e-4};
}

std::shared_ptr<models::Model> make_seeded(const Options& options, const data::DataSet& data, torch::Device device) {
  torch::manual_seed(options.seed);
  auto model = models::make_model(options.model, data.model_options());
  model->to(device);
  return model;
}

}  // namespace

std::string data_name(const Options& options) {
  const std::string usual = models::default_data_set(options.model);
  return options.data.empty() ? usual : options.data;
}

std::unique_ptr<data::DataSet> load_data(const Options& options) {
  const std::string name = data_name(options);
  if (name != "text" && !options.text.empty()) throw Error("--text FILE needs --data text");
  if (name == "text") return data::load_text(options.text, models::default_context(options.model));
  if (name == "synthetic-text") return data::make_synthetic_text(options.seed, models::default_context(options.model));
  if (name == "synthetic-images") return data::make_synthetic_images(options.seed);
  if (name == "fashion-mnist") return data::load_fashion_mnist();
  throw Error("unknown data set '" + name + "'; known are fashion-mnist, text, synthetic-images, synthetic-text");
}

Training::Training(const Options& options, const data::DataSet& data)
    : options_(options),
      device_(open_device(options.device)),
      data_(data),
      model_(make_seeded(options, data, device_)),
      sampler_(data.train_size(), options.batch, options.seed) {
  total_steps_ = options.steps > 0 ? options.steps : options.epochs * sampler_.batches_per_epoch();
  peak_rate_ = options.lr.value_or(recipe_of(options.model).lr);
  make_optimizer();
}

void Training::make_optimizer() {
  const Recipe recipe = recipe_of(options_.model);
  const double decay = options_.weight_decay.value_or(recipe.weight_decay);
  if (recipe.adamw) {
    optimizer_ = std::make_unique<torch::optim::AdamW>(model_->parameters(),
                                                       torch::optim::AdamWOptions(peak_rate_).weight_decay(decay));
  } else {
    optimizer_ = std::make_unique<torch::optim::SGD>(
        model_->parameters(), torch::optim::SGDOptions(peak_rate_).momentum(options_.momentum).weight_decay(decay));
  }
}

// Rises over the first twentieth of the run, then falls in a straight line to zero.
double Training::learning_rate() const {
  const auto total = static_cast<double>(total_steps_), at = static_cast<double>(steps_done_);
  const double rise = std::max(1.0, total / 20);
  return peak_rate_ * std::min(1.0, (at + 1) / rise) * std::max(0.0, 1.0 - at / total);
}

models::Batch Training::to_device(const models::Batch& batch) const {
  return {batch.input.to(device_), batch.target.to(device_)};
}

models::Batch Training::next_batch() { return to_device(data_.train_batch(sampler_.next())); }

models::Output Training::forward(const models::Batch& batch, bool score) {
  const AutocastScope autocast(device_, options_.amp == "bf16");
  return model_->run(batch, score);
}

double Training::step(const models::Batch& batch) {
  model_->train();
  for (auto& group : optimizer_->param_groups()) group.options().set_lr(learning_rate());
  optimizer_->zero_grad();
  const models::Output out = forward(batch, false);
  out.loss.backward();
  optimizer_->step();
  ++steps_done_;
  return out.loss.item<double>();
}

Evaluation Training::evaluate(int64_t samples) {
  torch::NoGradGuard no_grad;
  optimizer_->zero_grad();
  model_->eval();
  Evaluation result;
  int64_t hits = 0, counted = 0;
  result.samples = std::min(samples, data_.test_size());
  for (int64_t begin = 0; begin < result.samples; begin += options_.batch) {
    const int64_t end = std::min(begin + options_.batch, result.samples);
    const models::Output out = forward(to_device(data_.test_batch(begin, end)), true);
    hits += out.hits;
    counted += out.counted;
    result.loss += out.loss.item<double>() * static_cast<double>(end - begin);
  }
  result.loss /= static_cast<double>(std::max<int64_t>(1, result.samples));
  result.accuracy = static_cast<double>(hits) / static_cast<double>(std::max<int64_t>(1, counted));
  return result;
}

}  // namespace cinch::train
