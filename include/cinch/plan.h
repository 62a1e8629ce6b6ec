/// A plan: for each site the codec spec to use, with what is predicted of it. JSON "cinch.plan/1". Plain data, no
/// torch; values without locks, so share a const one between threads. Sizes are bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cinch/codec_spec.h"
#include "cinch/need.h"

namespace cinch {

struct PlanEntry {
  std::string site;
  CodecSpec spec;
  int64_t raw_bytes = 0;        ///< 0 for a site whose payload is charged to an earlier site
  int64_t charged_bytes = 0;    ///< likewise
  double noise_variance = 0.0;  ///< likewise
  double seconds = 0.0;         ///< likewise
  std::string layer = {}, op = {};  ///< of the site; empty in plans of cinch before these were written
  std::optional<Need> need = {};    ///< likewise absent
};

struct Plan {
  std::string cinch_version, torch_version, device, fingerprint;
  std::vector<PlanEntry> entries;  ///< in order of saving; all sites of one payload have the same spec
  int64_t limit_bytes = 0;         ///< resolved; 0: none
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

  std::string to_json() const;
  /// These two throw JsonError (file, JSON pointer, what was expected).
  static Plan from_json(const std::string& text, const std::string& name = "<text>");
  static Plan from_json_file(const std::string& path);
  /// Replaces the file atomically. Throws Error.
  void save(const std::string& path) const;
};

}  // namespace cinch
