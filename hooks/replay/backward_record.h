// What one backward told: the gradient's size, a sketch of it, and what its replays measured.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "cinch/need.h"
#include "hooks/replay/leaf_listener.h"
#include "hooks/replay/node_replay.h"
#include "hooks/sites.h"

namespace cinch::hooks {

// One site's replay: what it adds to the gradient of all parameters, or why nothing could be measured.
struct ReplayResult {
  SiteId site = -1;
  NodeError error;            // not relative to anything
  double relative_error = 0;  // of the site's values, see Option::relative_error
  Need need = Need::kLinear;  // of the site
  std::string unplayed;       // not empty: why nothing could be measured
  bool for_good = false;      // and why nothing ever will
};

// Leaves tell their gradients one after the other, from any thread.
class BackwardRecord final : public LeafListener {
 public:
  // `samples[i]`: how many values of leaf i the sketch takes; empty: no sketch.
  BackwardRecord(uint64_t leaves_hash, size_t leaves, std::vector<int64_t> samples);

  void leaf(size_t index, const at::Tensor& gradient) override;
  void add(ReplayResult result);
  // Something else ran at the same time: nothing that was measured can be relied on.
  void spoil() override;

  // Of the whole gradient; nullopt while leaves are missing, and where one cannot be read (sparse, not finite).
  std::optional<double> squared_norm() const;
  std::vector<ReplayResult> take_results();
  // Sampled values, each times the root of how many it stands for, so that squares add up to the whole gradient's.
  // Empty where it was not asked for or is not whole.
  std::vector<float> sketch() const;
  uint64_t leaves_hash() const { return leaves_hash_; }

 private:
  const uint64_t leaves_hash_;
  const std::vector<int64_t> samples_;
  mutable std::mutex mutex_;
  std::vector<double> squares_;
  std::vector<bool> told_;
  std::vector<std::vector<float>> sketches_;
  std::vector<ReplayResult> results_;
  bool spoiled_ = false;
};

// Shares of at most `total` samples for leaves of these sizes: in proportion, but none without one.
std::vector<int64_t> sketch_samples(const std::vector<int64_t>& leaf_numels, int64_t total);

}  // namespace cinch::hooks
