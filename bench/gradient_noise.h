/// What one codec for all values that a network saves does to the parameter gradient.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "cinch/budget.h"
#include "examples/models/model.h"

namespace cinch::bench {

/// All relative to the squared norm of the exact gradient of the same batch and the same random numbers; the gradient
/// is that of all parameters together.
struct GradientNoise {
  int64_t raw_bytes = 0;      ///< of the payloads, in stock form
  int64_t charged_bytes = 0;  ///< what torch's allocator gave out for them
  int64_t coded_sites = 0;    ///< that have a lossy form
  int64_t fallbacks = 0;      ///< payloads that stayed as they were against the plan, over all draws
  double noise_variance = 0;  ///< mean over the draws of |g' - g|^2
  double bias_variance = 0;   ///< |mean of g' - g|^2: an unbiased method has noise_variance / draws
  double cosine = 0;          ///< mean of the cosine of g' and g
  bool finite = true;         ///< false: a draw had a NaN or Inf, and the four above say nothing
};

/// Runs the network forward and backward on `batch`, without any optimizer: once stock, then under a guard with
/// `budget` until the plan holds, then `draws` times, each with other random numbers of the codec. The gradients and
/// running statistics of the model change, its parameters do not. With `plan_file` that plan holds from the start.
/// Throws what the guard throws.
GradientNoise gradient_noise(models::Model& model, const models::Batch& batch, const Budget& budget, int draws,
                             const std::string& plan_file = {});

}  // namespace cinch::bench
