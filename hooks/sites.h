// Site identity: names for the places that save, stable from step to step, as small numbers.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "hooks/catalogue/op_info.h"

namespace cinch::hooks {

using SiteId = int32_t;

struct Site {
  std::string name;  // "layer.path/op#occurrence:slot"
  std::string layer, op, slot;
  int64_t occurrence = 0;
  uint64_t hash = 0;  // of the name; the same in every process
};

// Interns sites and counts occurrences of (layer, op) within an iteration. Thread-safe; Site addresses are stable.
class Sites {
 public:
  int32_t intern_layer(const std::string& layer);
  // The next occurrence of `op` in `layer` in this iteration.
  int64_t next_occurrence(int32_t layer, const OpInfo& op);
  SiteId intern(int32_t layer, const OpInfo& op, int64_t occurrence, int32_t slot);
  const Site& operator[](SiteId id) const;
  SiteId count() const;
  // The first `count` ones; they live as long as this.
  std::vector<const Site*> first(size_t count) const;
  // A new iteration begins: occurrences start at 0 again.
  void begin_iteration();

 private:
  struct Key {
    int32_t layer, op, slot;
    int64_t occurrence;
    bool operator==(const Key&) const = default;
  };
  struct KeyHash {
    size_t operator()(const Key& key) const noexcept;
  };

  mutable std::mutex mutex_;
  std::unordered_map<std::string, int32_t> layer_ids_;
  std::vector<std::string> layers_;
  std::unordered_map<uint64_t, int64_t> occurrences_;
  std::unordered_map<Key, SiteId, KeyHash> ids_;
  std::vector<std::unique_ptr<Site>> sites_;
};

}  // namespace cinch::hooks
