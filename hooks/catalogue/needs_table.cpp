#include "hooks/catalogue/needs_table.h"

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <unordered_map>

namespace cinch::hooks {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

#include "hooks/catalogue/needs_table.inc"

const std::unordered_map<std::string_view, std::vector<const OpData*>>& by_name() {
  static const auto* const map = [] {
    auto* m = new std::unordered_map<std::string_view, std::vector<const OpData*>>;
    for (const OpData& op : kOps) (*m)[op.name].push_back(&op);
    return m;
  }();
  return *map;
}

}  // namespace

std::span<const OpData> needs_table() { return kOps; }

const OpData* find_op_data(std::string_view name, std::string_view overload) {
  const auto found = by_name().find(name);
  if (found == by_name().end()) return nullptr;
  for (const OpData* op : found->second)
    if (overload == op->overload) return op;
  return nullptr;
}

bool in_needs_table(std::string_view name) { return by_name().contains(name); }

bool catalogue_holds_for(const std::string& torch_version) {
  // "2.11.0+cu130" is 2.11.0: the suffix names the build, not the source.
  const std::string plain = torch_version.substr(0, torch_version.find('+'));
  // Whoever ran the catalogue with another version (cinch-bench needs) may vouch for it.
  const char* const vouched = std::getenv("CINCH_TRUST_TORCH");
  if (vouched != nullptr && !plain.empty() && plain == vouched) return true;
  return std::find(std::begin(kTorchVersions), std::end(kTorchVersions), plain) != std::end(kTorchVersions);
}

}  // namespace cinch::hooks
