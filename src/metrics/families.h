// The metrics as a table: name, type, HELP text, and where the value comes from. docs/metrics.md has the same rows (a
// test compares them). No Prometheus here.
#pragma once

#include <optional>
#include <vector>

#include "src/metrics/site_rows.h"
#include "src/metrics/source.h"

namespace cinch::metrics {

enum class Kind { kGauge, kCounter, kHistogram };

struct Family {
  const char* name;
  Kind kind;
  const char* help;
};

// A value of each device; nothing where it does not apply.
struct DeviceFamily : Family {
  std::optional<double> (*value)(const Snapshot&);
};

// A value of each row of sites.
struct SiteFamily : Family {
  double (*value)(const SiteRow&);
};

extern const Family kBuildInfo;     // label version; 1
extern const Family kStepDuration;  // labels device, rank
extern const Family kSiteInfo;      // all labels, and codec; 1
const std::vector<DeviceFamily>& device_families();
const std::vector<SiteFamily>& site_families();

}  // namespace cinch::metrics
