/// Tensors that a network really saves: ResNet-18, trained for a while on Fashion-MNIST.
#pragma once

#include <torch/types.h>

#include <string>
#include <vector>

namespace cinch::bench {

struct Activation {
  std::string source;    ///< "convolution input, layer 3 of 20"
  torch::Tensor values;  ///< dense
};

/// Trains for `steps` steps with batch 64, then takes from one more forward, by walking the autograd graph: inputs of
/// an early and a late convolution and batch norm, and results of an early and a late ReLU.
std::vector<Activation> dump_activations(int64_t steps);

}  // namespace cinch::bench
