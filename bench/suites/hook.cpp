#include "bench/hook_suite.h"

#include "bench/suite.h"

namespace cinch::bench {
namespace {

SuiteResult run(const SuiteOptions& options) {
  SuiteResult result;
  result.columns = {"case", "nanoseconds", "stock_nanoseconds", "added_nanoseconds", "before_bytes", "after_bytes"};
  for (const HookRow& row : run_hook(options.quick ? 2 : 25)) {
    nlohmann::json out = {{"case", row.name}};
    if (row.nanoseconds) out["nanoseconds"] = *row.nanoseconds;
    if (row.stock_nanoseconds) out["stock_nanoseconds"] = *row.stock_nanoseconds;
    if (row.nanoseconds && row.stock_nanoseconds) {
      out["added_nanoseconds"] = *row.nanoseconds - *row.stock_nanoseconds;
      out["ratio"] = *row.nanoseconds / *row.stock_nanoseconds;
    }
    if (row.before_bytes) out["before_bytes"] = *row.before_bytes;
    if (row.after_bytes) out["after_bytes"] = *row.after_bytes;
    if (!row.ok()) result.failures.push_back(row.name + ": live bytes did not return to their start");
    result.rows.push_back(out);
  }
  return result;
}

const Registration registration("hook", "what hooks and op tracing cost beside stock", run);

}  // namespace
}  // namespace cinch::bench
