/// A plan: for each site the codec spec to use, with what is predicted of it. JSON "cinch.plan/1". Plain data, no
/// torch; values without locks, so share a const one between threads. Sizes are bytes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cinch/budget.h"
#include "cinch/codec_spec.h"
#include "cinch/need.h"

namespace cinch {

/// What one site's tensor is kept as, and what that is predicted to cost.
struct PlanEntry {
  std::string site;  ///< SiteProfile::name
  CodecSpec spec;
  int64_t raw_bytes = 0;            ///< 0 for a site whose payload is charged to an earlier site
  int64_t charged_bytes = 0;        ///< in this form; 0 likewise
  double noise_variance = 0.0;      ///< added to the gradient's, relative to its squared norm; 0 likewise
  double seconds = 0.0;             ///< a step: one encode and a decode for each use; 0 likewise
  std::string layer = {}, op = {};  ///< of the site, like `need`: for people
  Need need = Need::kExact;
};

/// An instant that holds the plan back: with more bytes there alone it could cost less.
struct BindingInstant {
  int32_t instant = 0;          ///< index into Profile::timeline
  double saved_per_byte = 0.0;  ///< its share of Plan::saved_per_byte
};

/// The forms of all payloads of one iteration. Owns all it says; refers to sites by name and to instants by index.
struct Plan {
  /// What it was made with and for; `fingerprint` is Profile's. A guard refuses a plan of another torch, device or
  /// fingerprint.
  std::string cinch_version, torch_version, device, fingerprint;
  std::vector<PlanEntry> entries;  ///< in order of saving; all sites of one payload have the same spec
  int64_t limit_bytes = 0;         ///< resolved; 0: none
  // Bytes in use on the device at their highest: under this plan, with every payload raw, with payloads of no bytes.
  int64_t predicted_peak_bytes = 0;
  int64_t baseline_peak_bytes = 0;
  int64_t floor_bytes = 0;
  int64_t raw_bytes = 0;                   ///< of all payloads, at their highest instant
  int64_t charged_bytes = 0;               ///< likewise under this plan
  double predicted_noise = 0.0;            ///< relative RMS error of the parameter gradient
  double predicted_effective_batch = 1.0;  ///< V / (V + C)
  double predicted_extra_seconds = 0.0;    ///< per step
  /// Sites that the plan this one was carried over from did not know (apply_plan): they stay exact.
  std::vector<std::string> unknown_sites;

  // How good the plan is. Costs are in the objective's unit: noise variance, seconds, or bytes summed over payloads.
  Objective objective = Objective::kLeastNoise;
  double objective_value = 0.0;  ///< what this plan costs
  double objective_bound = 0.0;  ///< proven: no choice that keeps limit and noise bounds costs less
  double gap = 0.0;              ///< (value - bound) / value; 0 where the value is 0
  /// The shadow price of memory: about what plans would cost less for each byte that the limit were raised.
  double saved_per_byte = 0.0;
  std::vector<BindingInstant> binding;  ///< in order of time; empty where no limit binds

  std::string to_json() const;
  /// These two throw JsonError (file, JSON pointer, what was expected).
  static Plan from_json(const std::string& text, const std::string& name = "<text>");
  static Plan from_json_file(const std::string& path);
  /// Replaces the file atomically. Throws Error.
  void save(const std::string& path) const;
};

}  // namespace cinch
