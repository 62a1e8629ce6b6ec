// `cinch-bench needs`: is the catalogue true for the torch that is installed?
#pragma once

#include <c10/core/Device.h>

#include <string>
#include <vector>

namespace cinch::bench {

struct NeedsRow {
  std::string op, overload, slot, variant, need;
  bool claimed = false;       // needs.json says that it holds on this device
  bool run = false;           // some case reached it
  bool verified = false;      // run now, and it held
  bool second_order = false;  // held under double backward too
  std::string error = {};     // why a row that was claimed or run did not hold
};

struct NeedsReport {
  std::string torch, device;
  std::vector<NeedsRow> rows;
  std::vector<std::string> broken_cases;    // calls that did not save what they should
  std::vector<std::string> unstable_cases;  // whose gradients differ from run to run: their rows are not verified
  int held = 0, failed = 0;                 // of the claimed ones
  int unclaimed_held = 0;                   // what scripts/make_catalogue.py --verified would add
  int from_source = 0;                      // neither claimed nor held

  bool ok() const { return failed == 0 && broken_cases.empty(); }
};

// Runs every case of the device; about ten seconds on a CPU.
NeedsReport run_needs(c10::Device device = c10::kCPU);

}  // namespace cinch::bench
