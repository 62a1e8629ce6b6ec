// `cinch-bench hook`: what hooks and op tracing cost, and whether every byte comes back.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace cinch::bench {

// Nanoseconds are per op: the least of many short rounds, stock and guarded in turns. Bytes are the device meter's.
struct HookRow {
  std::string name;  // the field `case`
  std::optional<double> nanoseconds, stock_nanoseconds;
  std::optional<int64_t> before_bytes, after_bytes;

  bool ok() const { return before_bytes == after_bytes; }
};

// Some ten seconds on an idle machine.
std::vector<HookRow> run_hook(int rounds = 25);

}  // namespace cinch::bench
