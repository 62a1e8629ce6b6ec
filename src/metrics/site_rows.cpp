#include "src/metrics/site_rows.h"

#include <unordered_map>

namespace cinch::metrics {
namespace {

void add(SiteRow& row, const SiteUsage& site) {
  row.raw_bytes += static_cast<double>(site.raw_bytes);
  row.charged_bytes += static_cast<double>(site.charged_bytes);
  row.pack_seconds += site.pack_seconds;
  row.unpack_seconds += site.unpack_seconds;
  row.noise_variance += site.noise_variance;
  if (row.codec.empty())
    row.codec = site.codec;
  else if (row.codec != site.codec)
    row.codec = "mixed";
}

std::vector<SiteRow> by_layer(const std::vector<SiteUsage>& sites, int64_t most) {
  std::unordered_map<std::string, size_t> place;
  for (const SiteUsage& site : sites) place.try_emplace(site.layer, place.size());
  const auto rows = static_cast<size_t>(most);
  const bool too_many = place.size() > rows;
  std::vector<SiteRow> all(too_many ? rows : place.size());
  for (const SiteUsage& site : sites) {
    const size_t own = place.at(site.layer);
    const bool other = too_many && own >= rows - 1;
    SiteRow& row = all[other ? rows - 1 : own];
    row.layer = other ? kOtherLayers : site.layer;
    add(row, site);
  }
  return all;
}

}  // namespace

std::vector<SiteRow> site_rows(const std::vector<SiteUsage>& sites, int64_t most) {
  if (static_cast<int64_t>(sites.size()) > most) return by_layer(sites, most);
  std::vector<SiteRow> all;
  all.reserve(sites.size());
  for (const SiteUsage& site : sites) {
    SiteRow& row = all.emplace_back();
    row.layer = site.layer;
    row.op = site.op;
    row.occurrence = std::to_string(site.occurrence);
    row.slot = site.slot;
    add(row, site);
  }
  return all;
}

}  // namespace cinch::metrics
