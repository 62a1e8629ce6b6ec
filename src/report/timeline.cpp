#include "src/report/timeline.h"

#include <algorithm>
#include <set>

#include "planner/categories.h"

namespace cinch::report {
namespace {

using nlohmann::ordered_json;

// More than a wide screen has pixels to show them.
constexpr size_t kMostInstants = 900;

std::vector<int64_t> totals(const std::vector<BytesByCategory>& curve) {
  std::vector<int64_t> bytes;
  bytes.reserve(curve.size());
  for (const BytesByCategory& now : curve) bytes.push_back(now.total_bytes());
  return bytes;
}

ordered_json curve_document(const std::vector<BytesByCategory>& curve, const std::vector<int32_t>& instants) {
  const auto column = [&](int64_t BytesByCategory::*category) {
    ordered_json bytes = ordered_json::array();
    for (const int32_t instant : instants) bytes.push_back(curve[static_cast<size_t>(instant)].*category);
    return bytes;
  };
  const std::vector<int64_t> bytes = totals(curve);
  const auto peak = std::ranges::max_element(bytes);
  return {{"parameters_bytes", column(&BytesByCategory::parameters_bytes)},
          {"optimizer_bytes", column(&BytesByCategory::optimizer_bytes)},
          {"gradients_bytes", column(&BytesByCategory::gradients_bytes)},
          {"payloads_bytes", column(&BytesByCategory::payloads_bytes)},
          {"transients_bytes", column(&BytesByCategory::transients_bytes)},
          {"peak_instant", peak - bytes.begin()},
          {"peak_bytes", bytes.empty() ? 0 : *peak}};
}

// Where the backward begins: the first use. -1 where nothing is used.
int32_t backward_at(const Profile& profile) {
  int32_t first = -1;
  for (const PayloadProfile& payload : profile.payloads)
    for (const Use& use : payload.uses)
      if (first < 0 || use.begin < first) first = use.begin;
  return first;
}

}  // namespace

std::vector<int32_t> kept_instants(const std::vector<std::vector<int64_t>>& curves, size_t most) {
  const size_t instants = curves.empty() ? 0 : curves.front().size();
  std::set<int32_t> kept;
  if (instants > 0) kept = {0, static_cast<int32_t>(instants - 1)};
  const size_t stretches = instants <= most ? instants : std::max<size_t>(1, most / (2 * curves.size()));
  for (size_t i = 0; i < stretches; ++i) {
    const auto begin = static_cast<std::ptrdiff_t>(i * instants / stretches);
    const auto end = static_cast<std::ptrdiff_t>((i + 1) * instants / stretches);
    for (const std::vector<int64_t>& curve : curves) {
      const auto [low, high] = std::minmax_element(curve.begin() + begin, curve.begin() + end);
      kept.insert(static_cast<int32_t>(low - curve.begin()));
      kept.insert(static_cast<int32_t>(high - curve.begin()));
    }
  }
  return {kept.begin(), kept.end()};
}

ordered_json timeline_document(const Profile& profile, const std::vector<int32_t>& choice, bool planned) {
  const std::vector<BytesByCategory> before = profile.timeline_by_category();
  const std::vector<BytesByCategory> after = planner::by_category(profile, choice);
  std::vector<std::vector<int64_t>> curves{totals(before)};
  if (planned) curves.push_back(totals(after));
  const std::vector<int32_t> instants = kept_instants(curves, kMostInstants);
  ordered_json document{{"instants", profile.timeline.size()},
                        {"backward_at", backward_at(profile)},
                        {"at", instants},
                        {"before", curve_document(before, instants)}};
  if (planned) document["after"] = curve_document(after, instants);
  return document;
}

}  // namespace cinch::report
