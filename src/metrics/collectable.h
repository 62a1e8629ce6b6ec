// The table of metrics as prometheus-cpp's families.
#pragma once

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

#include <vector>

#include "cinch/metrics.h"
#include "src/metrics/source.h"

namespace cinch::metrics {

// Families without a series are left out.
std::vector<prometheus::MetricFamily> to_families(const std::vector<Snapshot>& snapshots,
                                                  const MetricsOptions& options);

class Collectable final : public prometheus::Collectable {
 public:
  // Throws Error for options that are out of range.
  explicit Collectable(const MetricsOptions& options);
  // Nothing is kept between scrapes.
  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  const MetricsOptions options_;
};

}  // namespace cinch::metrics
