#include "examples/models/transformer.h"

#include <torch/torch.h>

#include "cinch/error.h"

namespace cinch::models {
namespace {

namespace nn = torch::nn;

nn::LayerNorm layer_norm(int64_t width) { return nn::LayerNorm(nn::LayerNormOptions({width})); }

}  // namespace

Attention::Attention(const TransformerSizes& sizes, bool causal)
    : width_(sizes.width),
      heads_(sizes.heads),
      dropout_(sizes.attention_dropout),
      causal_(causal),
      qkv_(register_module("qkv", nn::Linear(width_, 3 * width_))),
      project_(register_module("project", nn::Linear(width_, width_))) {}

torch::Tensor Attention::forward(const torch::Tensor& x) {
  const int64_t batch = x.size(0), length = x.size(1);
  std::vector<torch::Tensor> parts = qkv_->forward(x).split(width_, 2);
  for (torch::Tensor& part : parts) part = part.view({batch, length, heads_, width_ / heads_}).transpose(1, 2);
  const torch::Tensor mixed =
      at::scaled_dot_product_attention(parts[0], parts[1], parts[2], {}, is_training() ? dropout_ : 0.0, causal_);
  return project_->forward(mixed.transpose(1, 2).reshape({batch, length, width_}));
}

TransformerBlock::TransformerBlock(const TransformerSizes& sizes, bool causal)
    : norm1_(register_module("norm1", layer_norm(sizes.width))),
      norm2_(register_module("norm2", layer_norm(sizes.width))),
      attention_(register_module("attention", std::make_shared<Attention>(sizes, causal))),
      mlp_(register_module("mlp", nn::Sequential(nn::Linear(sizes.width, 4 * sizes.width), nn::GELU(),
                                                 nn::Linear(4 * sizes.width, sizes.width)))),
      dropout_(register_module("dropout", nn::Dropout(sizes.dropout))) {}

torch::Tensor TransformerBlock::forward(const torch::Tensor& x) {
  const torch::Tensor y = x + dropout_->forward(attention_->forward(norm1_->forward(x)));
  return y + dropout_->forward(mlp_->forward(norm2_->forward(y)));
}

std::vector<std::shared_ptr<TransformerBlock>> make_blocks(nn::Module& owner, const TransformerSizes& sizes,
                                                           bool causal) {
  if (sizes.heads < 1 || sizes.width % sizes.heads != 0) {
    throw Error("a transformer of width " + std::to_string(sizes.width) + " cannot have " +
                std::to_string(sizes.heads) + " heads of equal width");
  }
  std::vector<std::shared_ptr<TransformerBlock>> blocks;
  for (int64_t i = 0; i < sizes.layers; ++i) {
    blocks.push_back(
        owner.register_module("block" + std::to_string(i), std::make_shared<TransformerBlock>(sizes, causal)));
  }
  return blocks;
}

void draw_matrices(nn::Module& module) {
  torch::NoGradGuard no_grad;
  for (const auto& item : module.named_parameters()) {
    if (item.value().dim() == 2) item.value().normal_(0.0, 0.02);
  }
}

}  // namespace cinch::models
