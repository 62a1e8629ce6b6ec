#include "examples/train/snapshot.h"

#include <torch/torch.h>

#include "cinch/error.h"

namespace cinch::train {
namespace {

template <class Body>
void for_each_tensor(torch::nn::Module& module, Body body) {
  for (torch::Tensor& tensor : module.parameters()) body(tensor);
  for (torch::Tensor& tensor : module.buffers()) body(tensor);
}

// The kept bytes as a tensor on the CPU, without a copy.
torch::Tensor as_tensor(std::vector<char>& bytes, const torch::Tensor& like) {
  return torch::from_blob(bytes.data(), like.sizes(), torch::TensorOptions(like.scalar_type()));
}

std::vector<char> bytes_of(const torch::Tensor& tensor) {
  std::vector<char> bytes(tensor.nbytes());
  as_tensor(bytes, tensor).copy_(tensor);
  return bytes;
}

std::vector<at::Generator> generators_of(const Training& training) {
  std::vector<at::Generator> all{at::globalContext().defaultGenerator(torch::kCPU)};
  if (!training.device().is_cpu()) all.push_back(at::globalContext().defaultGenerator(training.device()));
  return all;
}

}  // namespace

Snapshot::Snapshot(Training& training) : training_(training), sampler_(training.sampler_) {
  if (training.steps_done_ != 0) throw Error("a rehearsal is possible before the first step only");
  torch::NoGradGuard no_grad;
  for_each_tensor(*training.model_, [this](torch::Tensor& tensor) { tensors_.push_back(bytes_of(tensor)); });
  for (const at::Generator& generator : generators_of(training)) generators_.push_back(bytes_of(generator.get_state()));
}

void Snapshot::restore() {
  training_.optimizer_->zero_grad();
  torch::NoGradGuard no_grad;
  auto kept = tensors_.begin();
  for_each_tensor(*training_.model_, [&](torch::Tensor& tensor) { tensor.copy_(as_tensor(*kept++, tensor)); });
  training_.make_optimizer();
  training_.sampler_ = sampler_;
  training_.steps_done_ = 0;
  auto state = generators_.begin();
  for (at::Generator& generator : generators_of(training_)) {
    const auto numel = static_cast<int64_t>(state->size());
    const torch::Tensor bytes = torch::from_blob(state->data(), {numel}, torch::kUInt8).clone();
    const std::lock_guard lock(generator.mutex());
    generator.set_state(bytes);
    ++state;
  }
}

}  // namespace cinch::train
