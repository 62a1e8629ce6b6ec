#include "examples/train/training.h"

#include <torch/torch.h>

#include <cstring>
#include <map>

#include "cinch/error.h"

namespace cinch::train {
namespace {

struct Recipe {
  bool adamw;
  double lr, weight_decay;
};

Recipe recipe_of(const std::string& model) {
  if (model == "gpt") return {true, 1e-3, 0.01};
  if (model == "vgg16") return {false, 0.01, 5e-4};
  if (model == "lstm") return {false, 0.1, 0.0};
  return {false, 0.05, 5e-4};
}

template <class Body>
void for_each_tensor(torch::nn::Module& module, Body body) {
  for (torch::Tensor& tensor : module.parameters()) body(tensor);
  for (torch::Tensor& tensor : module.buffers()) body(tensor);
}

std::vector<char> bytes_of(const torch::Tensor& tensor) {
  std::vector<char> bytes(tensor.nbytes());
  std::memcpy(bytes.data(), tensor.const_data_ptr(), bytes.size());
  return bytes;
}

std::shared_ptr<models::Model> make_seeded(const Options& options, const data::DataSet& data) {
  torch::manual_seed(options.seed);
  return models::make_model(options.model, data.model_options());
}

}  // namespace

std::unique_ptr<data::DataSet> load_data(const Options& options) {
  const models::DataKind usual = models::default_data(options.model);
  const bool text = options.data.empty() ? usual == models::DataKind::kText : options.data == "text";
  if (!text && !options.text.empty()) throw Error("--text FILE needs --data text");
  return text ? data::load_text(options.text) : data::load_fashion_mnist();
}

Training::Training(const Options& options, const data::DataSet& data)
    : options_(options),
      data_(data),
      model_(make_seeded(options, data)),
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

models::Batch Training::next_batch() { return data_.train_batch(sampler_.next()); }

double Training::step(const models::Batch& batch) {
  model_->train();
  for (auto& group : optimizer_->param_groups()) group.options().set_lr(learning_rate());
  optimizer_->zero_grad();
  const models::Output out = model_->run(batch);
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
    const models::Output out = model_->run(data_.test_batch(begin, end), true);
    hits += out.hits;
    counted += out.counted;
    result.loss += out.loss.item<double>() * static_cast<double>(end - begin);
  }
  result.loss /= static_cast<double>(std::max<int64_t>(1, result.samples));
  result.accuracy = static_cast<double>(hits) / static_cast<double>(std::max<int64_t>(1, counted));
  return result;
}

Snapshot::Snapshot(Training& training) : training_(training), sampler_(training.sampler_) {
  if (training.steps_done_ != 0) throw Error("a rehearsal is possible before the first step only");
  for_each_tensor(*training.model_, [this](torch::Tensor& tensor) { tensors_.push_back(bytes_of(tensor)); });
  generator_ = bytes_of(at::detail::getDefaultCPUGenerator().get_state());
}

void Snapshot::restore() {
  training_.optimizer_->zero_grad();
  auto kept = tensors_.begin();
  for_each_tensor(*training_.model_, [&](torch::Tensor& tensor) {
    std::memcpy(tensor.mutable_data_ptr(), kept->data(), kept->size());
    ++kept;
  });
  training_.make_optimizer();
  training_.sampler_ = sampler_;
  training_.steps_done_ = 0;
  torch::Tensor state = torch::empty({static_cast<int64_t>(generator_.size())}, torch::kUInt8);
  std::memcpy(state.mutable_data_ptr(), generator_.data(), generator_.size());
  auto generator = at::detail::getDefaultCPUGenerator();
  const std::lock_guard lock(generator.mutex());
  generator.set_state(state);
}

}  // namespace cinch::train
