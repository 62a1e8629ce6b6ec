// Sites as series: bounded in number.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cinch/usage.h"

namespace cinch::metrics {

// Labels and values of one series in each family of sites.
struct SiteRow {
  std::string layer, op, occurrence, slot;  // of a layer's sum the last three are empty
  std::string codec;                        // "mixed" where the sites of a sum differ
  double raw_bytes = 0, charged_bytes = 0;
  double pack_seconds = 0, unpack_seconds = 0;
  double noise_variance = 0;
};

// The layer under which those beyond the bound are summed.
inline constexpr const char* kOtherLayers = "(others)";

// A row for each site; where there are more than `most` (>= 1), a row for each layer; where these are more too, the
// last row is the sum of the layers that came last. Sites come in the order of first saving, so that what was its own
// row stays so until there are too many.
std::vector<SiteRow> site_rows(const std::vector<SiteUsage>& sites, int64_t most);

}  // namespace cinch::metrics
