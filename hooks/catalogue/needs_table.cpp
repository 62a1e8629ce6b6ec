#include "hooks/catalogue/needs_table.h"

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

std::span<const TorchVersion> catalogue_versions() { return kTorchVersions; }

}  // namespace cinch::hooks
