// docs/metrics.md has the metrics that there are, in the words of their HELP texts.
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <sstream>

#include "src/metrics/families.h"

namespace cinch::metrics {
namespace {

struct Row {
  std::string kind, labels, meaning;
  bool operator==(const Row&) const = default;
};

void PrintTo(const Row& row, std::ostream* out) { *out << row.kind << " | " << row.labels << " | " << row.meaning; }

using Rows = std::map<std::string, Row>;

std::string kind_name(Kind kind) {
  return kind == Kind::kCounter ? "counter" : kind == Kind::kHistogram ? "histogram" : "gauge";
}

Rows expected() {
  Rows rows;
  const auto add = [&rows](const Family& family, const std::string& labels) {
    rows[family.name] = {kind_name(family.kind), labels, family.help};
  };
  add(kBuildInfo, "version");
  for (const auto& family : device_families()) add(family, "device");
  add(kStepDuration, "device");
  for (const auto& family : site_families()) add(family, "site");
  add(kSiteInfo, "site, codec");
  return rows;
}

// | `name` | type | labels | meaning |
Rows documented() {
  Rows rows;
  std::ifstream file(CINCH_SOURCE_DIR "/docs/metrics.md");
  for (std::string line; std::getline(file, line);) {
    if (line.rfind("| `cinch_", 0) != 0) continue;
    std::vector<std::string> cells;
    std::istringstream rest(line.substr(1));
    for (std::string cell; std::getline(rest, cell, '|');) {
      const size_t begin = cell.find_first_not_of(" `"), end = cell.find_last_not_of(" `");
      cells.push_back(begin == std::string::npos ? "" : cell.substr(begin, end - begin + 1));
    }
    EXPECT_EQ(cells.size(), 4u) << line;
    cells.resize(4);
    EXPECT_TRUE(rows.emplace(cells[0], Row{cells[1], cells[2], cells[3]}).second) << line;
  }
  return rows;
}

TEST(Documented, MetricsAreThoseThatThereAre) { EXPECT_EQ(documented(), expected()); }

}  // namespace
}  // namespace cinch::metrics
