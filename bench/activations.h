/// Tensors that networks really save: a ResNet-18 trained for a while on Fashion-MNIST, a GPT of characters on text.
#pragma once

#include <torch/types.h>

#include <optional>
#include <string>
#include <vector>

#include "cinch/codec.h"

namespace cinch::bench {

struct Activation {
  std::string model;         ///< "resnet18"
  std::string source;        ///< "convolution input, 3 of 20"
  torch::Tensor values;      ///< float32, contiguous
  std::optional<Grid> grid;  ///< as the guard would tell a codec
};

struct ActivationOptions {
  int64_t steps = 40;
  int64_t text_batch = 64;  ///< sequences of 128 characters
  std::string text;         ///< file; empty: LibTorch's headers
};

/// Trains each network for `steps` steps, ResNet-18 with batch 64, then takes from one more forward, by walking the
/// autograd graph, an early and a late one each. ResNet-18: inputs of convolutions and batch norms, results of ReLU.
/// GPT: inputs of linear layers, layer norms and GELU; queries, keys and values. Throws what load_data throws.
std::vector<Activation> dump_activations(const ActivationOptions& options);

}  // namespace cinch::bench
