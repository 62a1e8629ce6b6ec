// `cinch-bench needs`: is the catalogue true for the torch that is installed?
#pragma once

#include <string>
#include <vector>

namespace cinch::bench {

struct NeedsRow {
  std::string op, overload, slot, variant, need;
  bool verified = false;      // run now, and it held
  bool from_source = false;   // not claimed to have been run: listed, not run
  bool second_order = false;  // held under double backward too
  std::string error = {};     // why a claimed row did not hold
};

struct NeedsReport {
  std::string torch;
  std::vector<NeedsRow> rows;
  std::vector<std::string> broken_cases;  // calls that did not save what they should
  int held = 0, failed = 0, from_source = 0;

  bool ok() const { return failed == 0 && broken_cases.empty(); }
};

// Runs every case; about ten seconds.
NeedsReport run_needs();

}  // namespace cinch::bench
