/// What `cinch-bench codec` measures: which codec on which activation.
#pragma once

#include <vector>

#include "bench/activations.h"

namespace cinch::bench {

struct Case {
  std::string model = {}, source = {};
  torch::Tensor values = {};
  DType dtype = DType::kFloat32;
  CodecSpec spec = {};
  SideInfo side = {};
  double sigma = 0;          ///< standard deviation of the values; 0: of no lossy codec's
  double bound_sigma = 0;    ///< error_bound with an absolute bound: what share of a deviation it is
  bool on_all_isas = false;  ///< on every instruction set of the machine, not on the best alone
  bool on_threads = false;   ///< on two threads as well
};

/// Absolute error bounds that error_bound, zfp and SZ3 are compared at, in standard deviations.
constexpr double kBoundSigmas[] = {0.3, 0.1};

/// Standard deviation of all values.
double sigma_of(const torch::Tensor& values);

/// Every lossy spec on every activation, of ResNet-18 in all floating-point types, of GPT in float32 and bfloat16; the
/// lossless codecs on what they are for.
std::vector<Case> make_cases(const std::vector<Activation>& activations);

}  // namespace cinch::bench
