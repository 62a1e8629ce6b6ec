/// Everything that a finished run is reported from.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "examples/train/options.h"
#include "examples/train/run.h"

namespace cinch::train {

struct Outcome {
  Options options;
  std::string data, metric;
  RunResult cinch_run;
  std::optional<RunResult> baseline_run;
  bool baseline_out_of_memory = false;  ///< it was tried, and did not fit
  std::string refusal;                  ///< why the training ended early: the budget cannot be met
  int64_t limit_bytes = 0;              ///< 0: none
  int64_t steps_over_limit = 0;
  int64_t evaluation_peak_bytes = 0;
  std::optional<int64_t> predicted_baseline_bytes, floor_bytes;  ///< from the profile, when there is one
  Usage usage;                                                   ///< after the last step
  std::shared_ptr<const Profile> profile;                        ///< the newest; null where the run was not observed
  std::shared_ptr<const Plan> plan;                              ///< the last one in force
  bool planned = false;         ///< there was a plan, so noise and effective batch are known
  int64_t payload_bytes = 0;    ///< of all payloads under that plan; usage.charged_bytes has values on their way too
  size_t first_timed_step = 0;  ///< earlier steps observe, and are left out of step times

  bool limit_held() const {
    return steps_over_limit == 0 && (limit_bytes == 0 || evaluation_peak_bytes <= limit_bytes);
  }
  /// Over all steps; without a limit over those under a plan, where there are any.
  int64_t shown_peak_bytes() const;
  /// The measured baseline peak, else the one simulated from the profile.
  std::optional<int64_t> baseline_peak_bytes() const;
};

/// The table at the end; at most 80 columns.
std::string to_table(const Outcome& outcome, bool colour);
/// The row of suite `train`.
nlohmann::json to_row(const Outcome& outcome);

}  // namespace cinch::train
