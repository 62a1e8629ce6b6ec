/// What the first iterations showed, as plain data: sites, payloads, lifetimes, the timeline of bytes in use, and for
/// each payload its evaluated options. Made by BudgetGuard, read by make_plan; JSON "cinch.profile/1". No torch.
/// Values without locks: share a const one between threads. Sizes and numel count elements, raw and charged are bytes.
/// Functions that simulate throw Error for a profile whose indices or numbers cannot be (`from_json` gives none).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "cinch/codec_spec.h"
#include "cinch/dtype.h"
#include "cinch/error.h"
#include "cinch/need.h"

namespace cinch {

/// The place in the program that saves a tensor. name = "layer.path/op#occurrence:slot".
struct SiteProfile {
  std::string name;
  std::string layer, op, slot;
  int64_t occurrence = 0;  ///< of this op in this layer within an iteration, from 0
  Need need = Need::kExact;
  Predicate predicate;         ///< for kMask
  std::vector<int64_t> sizes;  ///< of the tensor as it was saved there
  int32_t payload = -1;        ///< index into Profile::payloads; -1: none
  /// Relative variance of the parameter gradient per unit of relative mean square error of this site's values, for
  /// small errors: a cautious prior until replays have measured it. 0 where no values are read.
  double sensitivity = 0.0;
  int64_t replays = 0;  ///< measurements so far, the newest of which weighs most in `sensitivity`; 0: the prior
  /// What holds for errors far beyond `replayed_error`, the largest one that was measured, where the backward is not
  /// linear in the values: the prior.
  double prior_sensitivity = 0.0;
  double replayed_error = 0.0;
  std::string unplayed;  ///< why it cannot be replayed; empty: it can, or nobody tried
};

/// One way to keep a payload, evaluated on this machine.
struct Option {
  CodecSpec spec;
  int64_t charged_bytes = 0;  ///< masks that sites need are included
  /// Predicted variance that this choice adds to the parameter gradient, relative to its squared norm. 0: lossless.
  double noise_variance = 0.0;
  double seconds = 0.0;  ///< encode once + decode for every use
  bool lossless = true;
  /// Mean square error of the values over their second moment (mean of x^2), counted as often as neighbours' errors act
  /// together (Estimate::error_correlation). noise_variance follows from it and the sites' sensitivities.
  double relative_error = 0.0;
};

/// Statistics of a payload's finite values (of a sample where it is large). Meaning of each: docs/concepts.md. Of
/// integers and booleans `sampled`, `min`, `max` and `zero_fraction` only; `sampled` is 0 where nobody looked.
struct TensorStats {
  /// Parts of equal size into which `square_group_ranges` divides the groups.
  static constexpr size_t kRangeParts = 16;

  int64_t sampled = 0;  ///< values looked at
  double mean = 0, variance = 0;
  double min = 0, max = 0;
  double zero_fraction = 0;
  double mean_square_group_range = 0;  ///< mean over groups of 256 of (max - min)^2
  /// What that mean is made of: means of (max - min)^2 over sixteenths of the groups, from the smallest ranges to the
  /// largest.
  std::array<double, kRangeParts> square_group_ranges{};
  bool finite = true;  ///< no NaN or Inf among the sampled
};

/// First and last instant of a use in the backward: from unpack until its node is done. A decode buffer of
/// full size is alive in between when the payload is coded.
struct Use {
  int32_t begin = 0, end = 0;
};

/// A kept tensor; it serves every site that saved it. Instants index Profile::timeline.
struct PayloadProfile {
  std::vector<int32_t> sites;  ///< indices into Profile::sites, in order of saving
  DType dtype = DType::kFloat32;
  int64_t numel = 0;
  int64_t raw_bytes = 0;      ///< storage bytes that stock autograd keeps alive for it (shared storage: its share)
  int32_t saved_at = 0;       ///< first save
  int32_t exclusive_at = -1;  ///< from here on only autograd holds it, so that coding it frees raw_bytes; -1: never
  int32_t freed_at = 0;       ///< released
  std::vector<Use> uses;
  TensorStats stats;
  std::vector<Option> options;  ///< options[0] is {"keep"}, raw
};

/// Bytes in use at their highest within one instant, every payload raw.
struct Instant {
  int64_t bytes = 0;
  int64_t gradients_bytes = 0;  ///< of these, what parameters' accumulated gradients take
};

/// What the bytes in use at one instant are made of. `transients_bytes` is all that is nothing else: what ops and the
/// program hold themselves, workspaces, what fragmentation takes.
struct BytesByCategory {
  int64_t parameters_bytes = 0, gradients_bytes = 0, optimizer_bytes = 0;
  int64_t payloads_bytes = 0;  ///< decode buffers included
  int64_t transients_bytes = 0;
  int64_t total_bytes() const {
    return parameters_bytes + gradients_bytes + optimizer_bytes + payloads_bytes + transients_bytes;
  }
};

/// One observed iteration. Owns all it says; its parts refer to each other by index.
struct Profile {
  std::string cinch_version, torch_version;  ///< that observed it
  std::string device;                        ///< as torch writes it: "cpu", "cuda:0"
  std::string fingerprint;                   ///< of the sequence of sites; a plan made for another one is refused
  std::vector<SiteProfile> sites;            ///< in order of saving
  std::vector<PayloadProfile> payloads;      ///< likewise
  std::vector<Instant> timeline;             ///< in order of time; an instant is the interval between two events
  // Of what the guard tracks, as the iteration ended: parameters and buffers, .grad, state of optimizers.
  int64_t parameters_bytes = 0, gradients_bytes = 0, optimizer_bytes = 0;
  double step_seconds = 0;    ///< the iteration's, observing included
  int64_t device_bytes = 0;   ///< memory of the device, for fraction_of_device
  int64_t reserve_bytes = 0;  ///< kept free below a limit, so that any payload can be coded; plans stay below it
  /// V, the variance of the mini-batch gradient relative to its squared norm: a guess until it is measured.
  double gradient_variance = 0.5;
  int64_t gradient_pairs = 0;  ///< pairs of backwards that gradient_variance was measured on; 0: the guess
  int64_t batch = 0;           ///< samples of the iteration that was observed; 0: not known. For advise_batch.

  /// The timeline by what its bytes are made of, every payload raw. Simulates.
  std::vector<BytesByCategory> timeline_by_category() const;
  /// Peak with every payload raw: the timeline's highest instant; 0 without one. Throws nothing.
  int64_t baseline_peak_bytes() const;
  /// Peak with payloads of zero bytes, full-size decode buffers included; no plan goes below it. Simulates.
  int64_t floor_bytes() const;
  /// Sum over payloads of raw_bytes at its highest instant. Simulates.
  int64_t raw_peak_bytes() const;

  /// The document. Throws Error for NaN and infinity where readers want a finite number.
  std::string to_json() const;
  /// These two throw JsonError (file, JSON pointer, what was expected).
  static Profile from_json(const std::string& text, const std::string& name = "<text>");
  static Profile from_json_file(const std::string& path);
  /// Replaces the file atomically. Throws Error where it cannot be written, and like to_json.
  void save(const std::string& path) const;
};

}  // namespace cinch
