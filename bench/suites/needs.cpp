#include "bench/needs_suite.h"

#include "bench/suite.h"

namespace cinch::bench {
namespace {

SuiteResult run(const SuiteOptions& options) {
  SuiteResult result;
  result.columns = {"op", "slot", "variant", "need", "claimed", "verified", "error"};
  const NeedsReport report = run_needs(options.device);
  for (const NeedsRow& row : report.rows) {
    nlohmann::json out = {{"op", row.op},
                          {"overload", row.overload},
                          {"slot", row.slot},
                          {"variant", row.variant},
                          {"need", row.need},
                          {"device", report.device},
                          {"claimed", row.claimed},
                          {"run", row.run},
                          {"verified", row.verified},
                          {"second_order", row.second_order},
                          {"torch", report.torch}};
    if (!row.error.empty()) {
      out["error"] = row.error;
      // What nobody claims may be wrong: the row is then not used on this device.
      if (row.claimed) result.failures.push_back(row.op + ", " + row.slot + ": " + row.error);
    }
    result.rows.push_back(out);
  }
  for (const std::string& broken : report.broken_cases) result.failures.push_back(broken);
  return result;
}

const Registration registration("needs", "is the catalogue of needs true for the installed torch", run,
                                Devices::kCpuAndCuda);

}  // namespace
}  // namespace cinch::bench
