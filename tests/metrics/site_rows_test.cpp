// The number of series is bounded, and no byte is lost by that.
#include "src/metrics/site_rows.h"

#include <gtest/gtest.h>

#include <numeric>
#include <set>

#include "tests/metrics/samples.h"

namespace cinch::metrics {
namespace {

std::vector<SiteUsage> sites_of(int layers, int each) {
  std::vector<SiteUsage> sites;
  for (int occurrence = 0; occurrence < each; ++occurrence)
    for (int layer = 0; layer < layers; ++layer)
      sites.push_back(sample_site("layer" + std::to_string(layer), occurrence, 1 + layer));
  return sites;
}

double charged(const std::vector<SiteRow>& rows) {
  return std::accumulate(rows.begin(), rows.end(), 0.0,
                         [](double sum, const SiteRow& r) { return sum + r.charged_bytes; });
}

TEST(SiteRows, AreTheSitesWhereTheseAreFewEnough) {
  const auto rows = site_rows(sites_of(3, 4), 12);
  ASSERT_EQ(rows.size(), 12u);
  EXPECT_EQ(rows[4].layer, "layer1");
  EXPECT_EQ(rows[4].op, "relu");
  EXPECT_EQ(rows[4].occurrence, "1");
  EXPECT_EQ(rows[4].slot, "result");
  EXPECT_EQ(rows[4].codec, "keep");
  EXPECT_EQ(rows[4].raw_bytes, 8);
  EXPECT_EQ(rows[4].charged_bytes, 2);
  EXPECT_EQ(rows[4].pack_seconds, 0.5);
  EXPECT_EQ(rows[4].unpack_seconds, 0.25);
  EXPECT_EQ(rows[4].noise_variance, 0.0001);
}

TEST(SiteRows, AreLayersWhereThereAreMore) {
  const auto rows = site_rows(sites_of(3, 4), 11);
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[2].layer, "layer2");
  EXPECT_EQ(rows[2].op + rows[2].occurrence + rows[2].slot, "");
  EXPECT_EQ(rows[2].raw_bytes, 48);
  EXPECT_EQ(rows[2].charged_bytes, 12);
  EXPECT_EQ(rows[2].pack_seconds, 2);
  EXPECT_EQ(rows[2].unpack_seconds, 1);
  EXPECT_NEAR(rows[2].noise_variance, 0.0004, 1e-12);  // variances add up
}

TEST(SiteRows, SumTheLastLayersWhereEvenTheseAreTooMany) {
  const auto sites = sites_of(10, 2);
  const auto rows = site_rows(sites, 4);
  ASSERT_EQ(rows.size(), 4u);
  EXPECT_EQ(rows[0].layer, "layer0");
  EXPECT_EQ(rows[2].layer, "layer2");
  EXPECT_EQ(rows[3].layer, kOtherLayers);
  EXPECT_EQ(rows[3].charged_bytes, 2 * (4 + 5 + 6 + 7 + 8 + 9 + 10));
  EXPECT_EQ(site_rows(sites, 1).size(), 1u);
}

TEST(SiteRows, NeverExceedTheBoundAndLoseNothing) {
  const auto sites = sites_of(7, 5);
  const double all = charged(site_rows(sites, 1000));
  for (int64_t most = 1; most < 40; ++most) {
    const auto rows = site_rows(sites, most);
    EXPECT_LE(static_cast<int64_t>(rows.size()), most);
    EXPECT_EQ(charged(rows), all) << most;
    std::set<std::string> labels;  // no series twice
    for (const SiteRow& row : rows)
      EXPECT_TRUE(labels.insert(row.layer + "|" + row.op + "|" + row.occurrence + "|" + row.slot).second) << most;
  }
}

TEST(SiteRows, SayWhereMethodsDiffer) {
  auto sites = sites_of(2, 2);
  sites[0].codec = "dither";
  const auto rows = site_rows(sites, 2);
  EXPECT_EQ(rows[0].codec, "mixed");
  EXPECT_EQ(rows[1].codec, "keep");
}

TEST(SiteRows, NoSitesNoRows) { EXPECT_TRUE(site_rows({}, 5).empty()); }

}  // namespace
}  // namespace cinch::metrics
