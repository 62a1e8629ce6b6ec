// Suites of cinch-bench run by tests, and what is expected of any of them.
#pragma once

#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>
#include <sstream>
#include <string>
#include <vector>

#include "bench/suite.h"
#include "bench/table.h"
#include "cinch/torch/meter.h"

namespace cinch::bench {

// First of all, as in the program: tensors made earlier would not be counted.
[[maybe_unused]] inline const DeviceMeter& meter = DeviceMeter::of(torch::kCPU);

inline SuiteResult run_suite(const std::string& name, const SuiteOptions& options) {
  for (const Suite& suite : suites())
    if (suite.name == name) return suite.run(options);
  ADD_FAILURE() << "no suite " << name;
  return {};
}

inline SuiteResult run_quick(const std::string& name, const std::string& model = "") {
  SuiteOptions quick;
  quick.quick = true;
  quick.model = model;
  return run_suite(name, quick);
}

inline void expect_no_failures(const SuiteResult& result) {
  EXPECT_FALSE(result.rows.empty());
  for (const std::string& failure : result.failures) ADD_FAILURE() << failure;
  std::istringstream table(to_table(result, 80));
  for (std::string line; std::getline(table, line);) EXPECT_LE(line.size(), 80u) << line;
}

// Present, finite, above zero.
inline void expect_positive(const nlohmann::json& row, const std::vector<std::string>& fields) {
  for (const std::string& field : fields) {
    ASSERT_TRUE(row.contains(field)) << field << ": " << row.dump();
    ASSERT_TRUE(row[field].is_number()) << field << ": " << row.dump();  // JSON has no infinity: it would be null
    EXPECT_TRUE(std::isfinite(row[field].get<double>())) << field << ": " << row.dump();
    EXPECT_GT(row[field].get<double>(), 0) << field << ": " << row.dump();
  }
}

}  // namespace cinch::bench
