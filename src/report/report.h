// The report: one HTML file that opens offline and shows a profile, a plan for it, and what a run measured. No torch.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "cinch/plan.h"
#include "cinch/profile.h"

namespace cinch::report {

// What a run measured. Bytes are of the meter.
struct MeasuredRun {
  int64_t peak_bytes = 0;   // over all steps
  int64_t limit_bytes = 0;  // 0: none
  int64_t steps = 0, steps_over_limit = 0;
  int64_t reclaims = 0;
  double step_seconds = 0;  // 0: not known
  std::optional<int64_t> baseline_peak_bytes;
};

struct Input {
  std::string title;  // whose report it is: "resnet18, batch 64"
  Profile profile;
  std::optional<Plan> plan;  // made for the program of the profile
  std::optional<MeasuredRun> run;
};

// Throws Error where this build has no page to write: it was made without the plotting library.
void require_page();

// All figures of the page, "cinch.report/1". Throws Error when the plan is of another program.
nlohmann::ordered_json make_document(const Input& input);

// The page. Whatever names the document holds, they stay text.
std::string render(const nlohmann::ordered_json& document);

// Replaces the file at once. Throws Error.
void write(const Input& input, const std::string& path);

}  // namespace cinch::report
