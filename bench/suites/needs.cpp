#include "bench/needs_suite.h"

#include "bench/suite.h"

namespace cinch::bench {
namespace {

SuiteResult run(const SuiteOptions&) {
  SuiteResult result;
  result.columns = {"op", "slot", "variant", "need", "verified", "error"};
  const NeedsReport report = run_needs();
  for (const NeedsRow& row : report.rows) {
    nlohmann::json out = {{"op", row.op},
                          {"overload", row.overload},
                          {"slot", row.slot},
                          {"variant", row.variant},
                          {"need", row.need},
                          {"verified", row.verified},
                          {"from_source", row.from_source},
                          {"second_order", row.second_order},
                          {"torch", report.torch}};
    if (!row.error.empty()) {
      out["error"] = row.error;
      result.failures.push_back(row.op + ", " + row.slot + ": " + row.error);
    }
    result.rows.push_back(out);
  }
  for (const std::string& broken : report.broken_cases) result.failures.push_back(broken);
  return result;
}

const Registration registration("needs", "is the catalogue of needs true for the installed torch", run);

}  // namespace
}  // namespace cinch::bench
