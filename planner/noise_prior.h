/// What an error in a saved tensor does to the parameter gradient, before anything was measured. On the safe side.
///
/// Unit: relative variance of the parameter gradient (squared relative RMS error); the square root of the sum over
/// payloads is what plans report as noise. Calibrated on gradient errors measured with LibTorch 2.11, CPU, float32:
///
/// ResNet-18 on Fashion-MNIST, batch 64, every convolution and batch-norm input coded, exact ReLU masks:
///   group_quant 2 bits   error 0.308   variance 0.095    at an error of 0.58 of the values' second moment
///   group_quant 3 bits   error 0.125   variance 0.0156   at 0.107
/// Character GPT, 4 layers, 192 wide, only one class coded, dither at one sigma (error 1/12 of the second moment):
///   linear inputs        error 0.149   variance 0.022
///   layer-norm inputs    error 0.014   variance 0.0002
///   GELU inputs          error 0.023   variance 0.0005
///   attention            error 0.055   variance 0.003
///   log-softmax          error 1.47    variance 2.2
/// The tests hold this function to a factor 1.5 of each.
#pragma once

#include <cstdint>

#include "cinch/need.h"
#include "cinch/plan.h"
#include "cinch/profile.h"

namespace cinch::planner {

/// Where an error in the saved values goes during the backward.
enum class Reach : uint8_t {
  kWeightGrad,     ///< this node's weight gradient alone: inputs of convolutions and linear layers
  kInputGrad,      ///< the gradient handed to earlier layers: inputs of activations; q, k and v of attention
  kBoth,           ///< both, or not known: the dear one of the usual ones
  kNormalisation,  ///< both, through a normalisation (batch, layer, group norm), which takes most of the error out
                   ///< again
  kUpstream,       ///< near the loss, or a factor of everything before it: softmax and log-softmax results, loss inputs
};

struct PriorInput {
  Need need = Need::kLinear;
  Reach reach = Reach::kWeightGrad;
  /// Payloads in the model whose reach is kWeightGrad: the squared gradient norm is spread over about as many weights.
  /// Counting other payloads too makes the result too small (two to three times in the networks above).
  int64_t weight_payloads = 1;
};

/// Relative gradient variance that one payload adds, per unit of relative mean square error (of the coded values over
/// their second moment, the mean of x^2), for small errors. Positive and finite; large where coding would be reckless
/// (kUpstream, needs that no lossy codec may serve).
double sensitivity_prior(const PriorInput& input) noexcept;

/// What a site of this sensitivity, prior or measured, adds at an error: linear in it, but for needs that are not,
/// which feel its square too. Finite and not negative; large for a rel_mse that is no number.
double noise_of(Need need, double sensitivity, double rel_mse) noexcept;

/// The same of a site as its profile has it. What was measured at small errors is not believed at errors beyond four
/// times as large where the need is not linear: an exponential (log-softmax) makes far more of them.
double noise_of(const SiteProfile& site, double rel_mse) noexcept;

/// Sets the sensitivity of sites that were not measured from their priors and from how far the priors of measured sites
/// of the same op and slot were off: the third quartile of these factors, so that it errs on the safe side. Where no
/// such site was measured, the prior stands.
void spread_measurements(Profile& profile);

/// Sets the noise of each lossy option from its error and the sensitivities of the payload's sites. Options without a
/// relative_error keep their noise.
void reprice(Profile& profile) noexcept;

/// What the payloads take in all (bytes, at whatever instant) under this plan at the profile's sizes. As below.
double charged_bytes_of(const Plan& plan, const Profile& profile);

/// What the payloads' noise comes to under this plan at the profile's prices (variance). Sites that the profile does
/// not know, or that have no such option, add what the plan says.
double noise_variance_of(const Plan& plan, const Profile& profile);

}  // namespace cinch::planner
