#include "src/cli/plan_text.h"

#include <algorithm>

#include "cinch/budget.h"
#include "src/cli/output.h"

namespace cinch::cli {

std::string extra_time(double seconds) { return "+" + duration(seconds) + " a step"; }

std::string summary(const Plan& plan) {
  std::string text = "memory    predicted peak " + format_bytes(plan.predicted_peak_bytes);
  text += plan.limit_bytes > 0 ? ", limit " + format_bytes(plan.limit_bytes) : ", no limit";
  text += ", baseline " + format_bytes(plan.baseline_peak_bytes) + ", floor " + format_bytes(plan.floor_bytes) + "\n";
  text += "payloads  " + format_bytes(plan.charged_bytes) + " of " + format_bytes(plan.raw_bytes) + " raw, " +
          counted(plan.entries.size(), "site") + "\n";
  text += "noise     " + percent(plan.predicted_noise) + " of the gradient, effective batch " +
          percent(plan.predicted_effective_batch) + "\n";
  text += "time      " + extra_time(plan.predicted_extra_seconds) + "\n";
  return wrapped(text);
}

}  // namespace cinch::cli
