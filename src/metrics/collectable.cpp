#include "src/metrics/collectable.h"

#include <limits>
#include <nlohmann/json.hpp>

#include "cinch/error.h"
#include "cinch/version.h"
#include "src/metrics/families.h"

namespace cinch::metrics {
namespace {

using Labels = std::vector<prometheus::ClientMetric::Label>;

// Names of layers are the program's, in whatever encoding; Prometheus refuses a whole page for one byte that is no
// UTF-8. What is none becomes the replacement character.
std::string utf8(const std::string& text) {
  const std::string quoted = nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  return nlohmann::json::parse(quoted).get<std::string>();
}

Labels labels_of(const Snapshot& snapshot) { return {{"device", snapshot.device}, {"rank", snapshot.rank}}; }

Labels labels_of(const Snapshot& snapshot, const SiteRow& row) {
  Labels labels = labels_of(snapshot);
  labels.push_back({"layer", utf8(row.layer)});
  labels.push_back({"op", utf8(row.op)});
  labels.push_back({"occurrence", row.occurrence});
  labels.push_back({"slot", utf8(row.slot)});
  return labels;
}

prometheus::MetricFamily family_of(const Family& family) {
  prometheus::MetricFamily result;
  result.name = family.name;
  result.help = family.help;
  result.type = family.kind == Kind::kCounter     ? prometheus::MetricType::Counter
                : family.kind == Kind::kHistogram ? prometheus::MetricType::Histogram
                                                  : prometheus::MetricType::Gauge;
  return result;
}

void add(prometheus::MetricFamily& family, Labels labels, double value) {
  prometheus::ClientMetric& metric = family.metric.emplace_back();
  metric.label = std::move(labels);
  (family.type == prometheus::MetricType::Counter ? metric.counter.value : metric.gauge.value) = value;
}

prometheus::MetricFamily build_info() {
  auto family = family_of(kBuildInfo);
  add(family, {{"version", CINCH_VERSION}}, 1.0);
  return family;
}

prometheus::MetricFamily step_durations(const std::vector<Snapshot>& snapshots) {
  auto family = family_of(kStepDuration);
  for (const Snapshot& snapshot : snapshots) {
    prometheus::ClientMetric& metric = family.metric.emplace_back();
    metric.label = labels_of(snapshot);
    auto& histogram = metric.histogram;
    histogram.sample_sum = snapshot.steps.sum_seconds;
    for (size_t i = 0; i < snapshot.steps.counts.size(); ++i) {
      histogram.sample_count += snapshot.steps.counts[i];
      const double bound = i < kStepBounds.size() ? kStepBounds[i] : std::numeric_limits<double>::infinity();
      histogram.bucket.push_back({histogram.sample_count, bound});
    }
  }
  return family;
}

void add_sites(std::vector<prometheus::MetricFamily>& families, const std::vector<Snapshot>& snapshots,
               int64_t max_sites) {
  std::vector<prometheus::MetricFamily> of_sites;
  for (const SiteFamily& family : site_families()) of_sites.push_back(family_of(family));
  auto info = family_of(kSiteInfo);
  for (const Snapshot& snapshot : snapshots) {
    for (const SiteRow& row : site_rows(snapshot.sites, max_sites)) {
      Labels labels = labels_of(snapshot, row);
      for (size_t i = 0; i < of_sites.size(); ++i) add(of_sites[i], labels, site_families()[i].value(row));
      labels.push_back({"codec", row.codec});
      add(info, std::move(labels), 1.0);
    }
  }
  of_sites.push_back(std::move(info));
  for (auto& family : of_sites) families.push_back(std::move(family));
}

}  // namespace

std::vector<prometheus::MetricFamily> to_families(const std::vector<Snapshot>& snapshots,
                                                  const MetricsOptions& options) {
  std::vector<prometheus::MetricFamily> families{build_info()};
  for (const DeviceFamily& entry : device_families()) {
    auto family = family_of(entry);
    for (const Snapshot& snapshot : snapshots)
      if (const auto value = entry.value(snapshot)) add(family, labels_of(snapshot), *value);
    families.push_back(std::move(family));
  }
  families.push_back(step_durations(snapshots));
  add_sites(families, snapshots, options.max_sites);
  std::erase_if(families, [](const auto& family) { return family.metric.empty(); });
  return families;
}

Collectable::Collectable(const MetricsOptions& options) : options_(options) {
  if (options_.max_sites < 1)
    throw Error("MetricsOptions::max_sites is " + std::to_string(options_.max_sites) + "; at least 1 is needed");
}

std::vector<prometheus::MetricFamily> Collectable::Collect() const { return to_families(read_sources(), options_); }

}  // namespace cinch::metrics

namespace cinch {

std::shared_ptr<prometheus::Collectable> metrics_collectable(MetricsOptions options) {
  return std::make_shared<metrics::Collectable>(options);
}

}  // namespace cinch
