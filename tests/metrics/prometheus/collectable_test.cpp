// Families as Prometheus gets them: values, labels, escapes, bounds.
#include "src/metrics/collectable.h"

#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>

#include <cmath>
#include <map>
#include <set>
#include <sstream>

#include "cinch/error.h"
#include "cinch/version.h"
#include "src/metrics/families.h"
#include "tests/metrics/samples.h"

namespace cinch::metrics {
namespace {

Snapshot snapshot_of(const std::string& device, const Reading& reading) {
  return {device, "0", reading.usage, reading.sites, {}, 0.95};
}

std::map<std::string, prometheus::MetricFamily> by_name(const std::vector<Snapshot>& snapshots,
                                                        const MetricsOptions& options = {}) {
  std::map<std::string, prometheus::MetricFamily> families;
  for (auto& family : to_families(snapshots, options)) {
    EXPECT_EQ(families.count(family.name), 0u) << family.name;
    families[family.name] = family;
  }
  return families;
}

std::string text_of(const std::vector<Snapshot>& snapshots) {
  std::ostringstream text;
  prometheus::TextSerializer().Serialize(text, to_families(snapshots, {}));
  return text.str();
}

std::map<std::string, std::string> labels_of(const prometheus::ClientMetric& metric) {
  std::map<std::string, std::string> labels;
  for (const auto& label : metric.label) EXPECT_TRUE(labels.emplace(label.name, label.value).second) << label.name;
  return labels;
}

// Prometheus refuses a whole page for one byte that is no UTF-8.
TEST(Collectable, NamesOfAnyBytesBecomeUtf8) {
  Reading reading = sample_reading();
  reading.sites[0].layer = "caf\xe9.conv";
  const std::string text = text_of({snapshot_of("cpu", reading)});
  EXPECT_NE(text.find("layer=\"caf\xef\xbf\xbd.conv\""), std::string::npos) << text;
  EXPECT_EQ(text.find('\xe9'), std::string::npos);
}

TEST(Collectable, HasTheUsageOfADevice) {
  auto families = by_name({snapshot_of("cpu", sample_reading())});
  const std::map<std::string, double> expected{{"cinch_limit_bytes", 10000},
                                               {"cinch_device_peak_bytes", 9000},
                                               {"cinch_floor_bytes", 8000},
                                               {"cinch_raw_bytes", 4096},
                                               {"cinch_charged_bytes", 1024},
                                               {"cinch_offloaded_bytes", 77},
                                               {"cinch_gradient_noise_ratio", 0.125},
                                               {"cinch_effective_batch_ratio", 0.97},
                                               {"cinch_effective_batch_bound_ratio", 0.95}};
  for (const auto& [name, value] : expected) {
    ASSERT_EQ(families.count(name), 1u) << name;
    ASSERT_EQ(families[name].metric.size(), 1u) << name;
    EXPECT_EQ(families[name].type, prometheus::MetricType::Gauge) << name;
    EXPECT_EQ(families[name].metric[0].gauge.value, value) << name;
    EXPECT_EQ(labels_of(families[name].metric[0]),
              (std::map<std::string, std::string>{{"device", "cpu"}, {"rank", "0"}}));
  }
  const std::map<std::string, double> counters{
      {"cinch_steps_total", 5}, {"cinch_reclaims_total", 3}, {"cinch_replans_total", 1}, {"cinch_fallbacks_total", 2}};
  for (const auto& [name, value] : counters) {
    ASSERT_EQ(families.count(name), 1u) << name;
    EXPECT_EQ(families[name].type, prometheus::MetricType::Counter) << name;
    EXPECT_EQ(families[name].metric.at(0).counter.value, value) << name;
  }
}

TEST(Collectable, HasTheSites) {
  auto families = by_name({snapshot_of("cpu", sample_reading())});
  const std::map<std::string, std::string> labels{{"device", "cpu"}, {"rank", "0"},       {"layer", "model.bn1"},
                                                  {"op", "relu"},    {"occurrence", "0"}, {"slot", "result"}};
  const std::map<std::string, double> gauges{
      {"cinch_site_raw_bytes", 800}, {"cinch_site_charged_bytes", 200}, {"cinch_site_noise_ratio", 0.01}};
  for (const auto& [name, value] : gauges) {
    ASSERT_EQ(families[name].metric.size(), 2u) << name;
    EXPECT_NEAR(families[name].metric[1].gauge.value, value, 1e-12) << name;
    EXPECT_EQ(labels_of(families[name].metric[1]), labels) << name;
  }
  EXPECT_EQ(families["cinch_site_pack_seconds_total"].metric.at(1).counter.value, 0.5);
  EXPECT_EQ(families["cinch_site_unpack_seconds_total"].metric.at(1).counter.value, 0.25);
  auto with_codec = labels;
  with_codec["codec"] = "mask";
  EXPECT_EQ(labels_of(families["cinch_site_info"].metric.at(1)), with_codec);
  EXPECT_EQ(families["cinch_site_info"].metric[1].gauge.value, 1);
}

TEST(Collectable, WhatDoesNotApplyIsAbsent) {
  Snapshot bare = snapshot_of("cpu", {});
  bare.least_effective_batch = 0;
  const auto families = by_name({bare});
  for (const char* name : {"cinch_limit_bytes", "cinch_floor_bytes", "cinch_effective_batch_bound_ratio",
                           "cinch_site_charged_bytes", "cinch_site_info"})
    EXPECT_EQ(families.count(name), 0u) << name;
  EXPECT_EQ(families.count("cinch_steps_total"), 1u);
}

TEST(Collectable, WithoutGuardsThereIsTheVersion) {
  const auto families = by_name({});
  ASSERT_EQ(families.size(), 1u);
  EXPECT_EQ(labels_of(families.begin()->second.metric.at(0)).at("version"), CINCH_VERSION);
}

TEST(Collectable, BucketsAddUp) {
  Snapshot snapshot = snapshot_of("cpu", {});
  snapshot.steps.counts[0] = 2;
  snapshot.steps.counts[3] = 5;
  snapshot.steps.counts.back() = 1;
  snapshot.steps.sum_seconds = 70.5;
  const auto family = by_name({snapshot}).at("cinch_step_duration_seconds");
  EXPECT_EQ(family.type, prometheus::MetricType::Histogram);
  const auto& histogram = family.metric.at(0).histogram;
  EXPECT_EQ(histogram.sample_count, 8u);
  EXPECT_EQ(histogram.sample_sum, 70.5);
  ASSERT_EQ(histogram.bucket.size(), kStepBounds.size() + 1);
  EXPECT_EQ(histogram.bucket[0].cumulative_count, 2u);
  EXPECT_EQ(histogram.bucket[3].cumulative_count, 7u);
  EXPECT_EQ(histogram.bucket[14].cumulative_count, 7u);
  EXPECT_EQ(histogram.bucket[15].cumulative_count, 8u);
  EXPECT_EQ(histogram.bucket[3].upper_bound, 0.01);
  EXPECT_TRUE(std::isinf(histogram.bucket[15].upper_bound));
}

TEST(Collectable, DevicesStandSideBySide) {
  const auto families = by_name({snapshot_of("cuda:0", sample_reading()), snapshot_of("cuda:1", sample_reading())});
  EXPECT_EQ(families.at("cinch_charged_bytes").metric.size(), 2u);
  const auto& sites = families.at("cinch_site_charged_bytes").metric;
  ASSERT_EQ(sites.size(), 4u);
  std::set<std::map<std::string, std::string>> labels;
  for (const auto& metric : sites) EXPECT_TRUE(labels.insert(labels_of(metric)).second);
}

TEST(Collectable, SeriesAreBoundedForEachDevice) {
  Reading many;
  for (int i = 0; i < 3000; ++i) many.sites.push_back(sample_site("layer" + std::to_string(i % 1500), i / 1500, i));
  auto families = by_name({snapshot_of("cpu", many)});
  EXPECT_EQ(families["cinch_site_charged_bytes"].metric.size(), 1500u) << "the default is 2,000";
  EXPECT_EQ(by_name({snapshot_of("cpu", many)}, {3000})["cinch_site_charged_bytes"].metric.size(), 3000u);
  families = by_name({snapshot_of("cpu", many), snapshot_of("cuda:0", many)}, {10});
  for (const auto& [name, family] : families) EXPECT_LE(family.metric.size(), 20u) << name;
  double sum = 0;
  for (const auto& metric : families["cinch_site_charged_bytes"].metric) sum += metric.gauge.value;
  EXPECT_EQ(sum, 2 * (2999.0 * 3000 / 2));
}

TEST(Collectable, LayerNamesOfAnyKindStayLabels) {
  Reading reading;
  reading.sites.push_back(sample_site("a\"b\\c\nd\u00e9{}", 0, 1));
  const std::string text = text_of({snapshot_of("cpu", reading)});
  EXPECT_NE(text.find("layer=\"a\\\"b\\\\c\\nd\u00e9{}\""), std::string::npos) << text;
}

// Bytes are exact up to 2^53, which a float could not say.
TEST(Collectable, BytesAreWrittenToTheLast) {
  Reading reading = sample_reading();
  reading.usage.device_peak_bytes = (int64_t{1} << 53) - 1;
  EXPECT_NE(text_of({snapshot_of("cpu", reading)}).find("} 9007199254740991\n"), std::string::npos);
}

TEST(Collectable, EveryFamilyIsNamedForItsUnit) {
  for (const auto& family : to_families({snapshot_of("cpu", sample_reading())}, {})) {
    EXPECT_EQ(family.name.rfind("cinch_", 0), 0u) << family.name;
    EXPECT_EQ(family.help.back(), '.') << family.name;
    const bool total = family.name.size() > 6 && family.name.substr(family.name.size() - 6) == "_total";
    EXPECT_EQ(total, family.type == prometheus::MetricType::Counter) << family.name;
  }
}

TEST(Collectable, RefusesABoundBelowOne) {
  for (const int64_t most : {int64_t{0}, int64_t{-1}}) EXPECT_THROW(metrics_collectable({most}), Error) << most;
}

TEST(Collectable, CollectsTheSourcesOfThisMoment) {
  const auto collectable = metrics_collectable();
  EXPECT_EQ(collectable->Collect().size(), 1u);
  const Source source("cpu", sample_reading);
  EXPECT_GT(collectable->Collect().size(), 10u);
}

}  // namespace
}  // namespace cinch::metrics
