#include "hooks/sites.h"

#include <algorithm>

namespace cinch::hooks {
namespace {

constexpr size_t kSlice = 1024;  // about a microsecond

// FNV-1a: std::hash may differ between processes, a fingerprint must not.
uint64_t stable_hash(const std::string& text) {
  uint64_t hash = 1469598103934665603ull;
  for (const unsigned char c : text) hash = (hash ^ c) * 1099511628211ull;
  return hash;
}

std::string short_op(const std::string& name) {
  return name.rfind("aten::", 0) == 0 ? name.substr(6) : (name.empty() ? "unknown" : name);
}

}  // namespace

size_t Sites::KeyHash::operator()(const Key& key) const noexcept {
  uint64_t h = static_cast<uint32_t>(key.layer) * 0x9E3779B97F4A7C15ull;
  h = (h ^ static_cast<uint32_t>(key.op)) * 0xBF58476D1CE4E5B9ull;
  h = (h ^ static_cast<uint32_t>(key.slot)) * 0x94D049BB133111EBull;
  h = (h ^ static_cast<uint64_t>(key.occurrence)) * 0x9E3779B97F4A7C15ull;
  return static_cast<size_t>(h ^ (h >> 29));
}

int32_t Sites::intern_layer(const std::string& layer) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto [it, added] = layer_ids_.try_emplace(layer, static_cast<int32_t>(layers_.size()));
  if (added) layers_.push_back(layer);
  return it->second;
}

int64_t Sites::next_occurrence(int32_t layer, const OpInfo& op) {
  const std::lock_guard<std::mutex> lock(mutex_);
  return occurrences_[(static_cast<uint64_t>(static_cast<uint32_t>(layer)) << 32) | static_cast<uint32_t>(op.id)]++;
}

SiteId Sites::intern(int32_t layer, const OpInfo& op, int64_t occurrence, int32_t slot) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto [it, added] = ids_.try_emplace(Key{layer, op.id, slot, occurrence}, static_cast<SiteId>(sites_.size()));
  if (added) {
    auto site = std::make_unique<Site>();
    site->layer = layers_[static_cast<size_t>(layer)];
    site->op = short_op(op.name);
    site->slot = slot_name(op, slot);
    site->occurrence = occurrence;
    site->name = site->layer + "/" + site->op + "#" + std::to_string(occurrence) + ":" + site->slot;
    site->hash = stable_hash(site->name);
    sites_.push_back(std::move(site));
  }
  return it->second;
}

const Site& Sites::operator[](SiteId id) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return *sites_[static_cast<size_t>(id)];
}

// In slices: each save takes the lock too, and graphs that change may have made a million sites. Sites are only added,
// so that slices fit together.
std::vector<const Site*> Sites::first(size_t count) const {
  std::vector<const Site*> result;
  result.reserve(count);
  for (bool more = true; more;) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const size_t end = std::min({count, sites_.size(), result.size() + kSlice});
    more = result.size() < end;
    while (result.size() < end) result.push_back(sites_[result.size()].get());
  }
  return result;
}

SiteId Sites::count() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return static_cast<SiteId>(sites_.size());
}

void Sites::begin_iteration() {
  const std::lock_guard<std::mutex> lock(mutex_);
  occurrences_.clear();
}

}  // namespace cinch::hooks
