/// What the transformers share: pre-norm blocks of attention and a GELU network, and their initialisation.
#pragma once

#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/dropout.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/normalization.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "examples/models/model.h"

namespace cinch::models {

struct TransformerSizes {
  int64_t layers = 12, width = 768, heads = 12;
  double dropout = 0.1;            ///< of embeddings and of what a block adds
  double attention_dropout = 0.1;  ///< of attention weights
};

class Attention : public torch::nn::Module {
 public:
  Attention(const TransformerSizes& sizes, bool causal);
  /// (N, T, width) -> (N, T, width).
  torch::Tensor forward(const torch::Tensor& x);

 private:
  int64_t width_, heads_;
  double dropout_;
  bool causal_;
  torch::nn::Linear qkv_, project_;
};

/// x + attention(norm(x)), then the same with the network of two layers.
class TransformerBlock : public torch::nn::Module {
 public:
  TransformerBlock(const TransformerSizes& sizes, bool causal);
  torch::Tensor forward(const torch::Tensor& x);

 private:
  torch::nn::LayerNorm norm1_, norm2_;
  std::shared_ptr<Attention> attention_;
  torch::nn::Sequential mlp_;
  torch::nn::Dropout dropout_;
};

/// `sizes.layers` blocks, registered in `owner` as block0, block1, ... Throws Error where the width cannot be shared
/// out among the heads.
std::vector<std::shared_ptr<TransformerBlock>> make_blocks(torch::nn::Module& owner, const TransformerSizes& sizes,
                                                           bool causal);

/// Every matrix of `module` is drawn anew from a normal distribution with a deviation of 0.02.
void draw_matrices(torch::nn::Module& module);

/// The networks behind `vit_b16`, `gpt` and `gpt2`, in any size. Images must be square and whole patches.
std::shared_ptr<Model> make_vit(const ModelOptions& options, const TransformerSizes& sizes, int64_t patch);
/// `tied`: the embedding of the vocabulary is the last layer's matrix too.
std::shared_ptr<Model> make_gpt(const ModelOptions& options, const TransformerSizes& sizes, bool tied);

}  // namespace cinch::models
