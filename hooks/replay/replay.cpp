#include "hooks/replay/replay.h"

#include <ATen/SequenceNumber.h>
#include <torch/csrc/autograd/functions/accumulate_grad.h>

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "hooks/replay/gradient_tap.h"
#include "hooks/replay/graph_walk.h"
#include "hooks/replay/node_hook.h"
#include "hooks/replay/node_replay.h"
#include "hooks/replay/stand_in.h"
#include "hooks/replay/trial_values.h"
#include "hooks/store/store.h"
#include "planner/noise_prior.h"
#include "src/core/mix.h"

namespace cinch::hooks {
namespace {

constexpr int64_t kSketchValues = 65536;
// V is sketched in every backward of the first iterations, then in two neighbouring ones of so many.
constexpr uint64_t kFirstSketches = 32, kLaterSketches = 25;

}  // namespace

void Replay::offer(const Profile& profile) {
  const std::lock_guard<std::mutex> lock(mutex_);
  schedule_.withdraw();
  for (const PayloadProfile& payload : profile.payloads) {
    double error = 0;
    for (const Option& option : payload.options)
      if (!option.lossless) error = std::max(error, option.relative_error);
    if (error == 0) continue;
    for (const int32_t index : payload.sites) {
      const SiteProfile& site = profile.sites[static_cast<size_t>(index)];
      if (is_value(site.need)) schedule_.offer(site.name, planner::noise_of(site, error));
    }
  }
}

void Replay::resume(const Profile& profile) {
  offer(profile);
  const std::lock_guard<std::mutex> lock(mutex_);
  for (const SiteProfile& site : profile.sites) {
    if (site.replays == 0 && site.unplayed.empty()) continue;
    MeasuredSensitivity& known = measured_.by_name[site.name];
    known = {};  // how errors are amplified is not kept: each site's next turn follows them again
    known.sensitivity = site.sensitivity;
    known.replays = site.replays;
    known.error = site.replayed_error;
    known.unplayed = site.unplayed;
    schedule_.resume(site.name, site.replays);
  }
  if (profile.gradient_pairs > 0) variance_.resume(profile.gradient_variance, profile.gradient_pairs);
}

bool Replay::due() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return schedule_.due();
}

void Replay::begin_iteration(bool enabled) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const uint64_t turn = turn_.fetch_add(1) + 1;
  pending_.clear();
  records_.clear();
  chosen_.clear();
  sketching_ = enabled && (turn <= kFirstSketches || turn % kLaterSketches < 2);
  if (!sketching_) variance_.interrupt();
  if (enabled)
    for (Schedule::Turn& item : schedule_.next()) chosen_.emplace(std::move(item.key), item.follow);
  armed_.store(!chosen_.empty());
}

std::vector<std::string> Replay::chosen() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::vector<std::string> sites;
  for (const auto& [site, follow] : chosen_) sites.push_back(site);
  return sites;
}

void Replay::saved(const Want& want, const std::shared_ptr<Payload>& payload) {
  if (!is_value(want.need)) return;
  const std::string& name = (*sites_)[want.site].name;
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto chosen = chosen_.find(name);
  if (chosen == chosen_.end()) return;
  const uint64_t next = at::sequence_number::peek();
  if (next == 0) return;
  pending_.push_back({want, payload, next - 1, at::RecordFunction::currentThreadId(), chosen->second});
}

void Replay::backward_begins(const edge_list& roots, bool records_graph) noexcept {
  try {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (++running_ > 1) {
      for (const auto& record : records_) record->spoil();
      return;
    }
    if (!records_graph && (sketching_ || !pending_.empty())) attach(roots);
  } catch (const std::exception&) {
    // Nothing is measured then; the schedule counts a miss.
  }
}

void Replay::backward_ends() noexcept {
  const std::lock_guard<std::mutex> lock(mutex_);
  --running_;
}

// The engine takes backwards that are nested deeply to another thread, which would not know that it replays.
bool Replay::alone() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return running_ <= 1;
}

void Replay::attach(const edge_list& roots) {
  std::vector<Node*> leaves;
  std::vector<std::pair<Node*, const Pending*>> found;
  std::unordered_map<uint64_t, std::vector<const Pending*>> wanted;
  for (const Pending& pending : pending_) wanted[pending.sequence].push_back(&pending);
  bool elsewhere = false;  // the engine's thread of another device would not know that this one replays
  walk_graph(roots, [&](Node& node) {
    elsewhere = elsewhere || node.stream().has_value();
    if (is_leaf_node(node)) leaves.push_back(&node);
    const auto at = wanted.find(node.sequence_nr());
    if (at == wanted.end()) return;
    for (const Pending* pending : at->second)
      if (pending->thread == node.thread_id()) found.emplace_back(&node, pending);
  });
  if (leaves.empty() || (found.empty() && !sketching_)) return;
  uint64_t hash = 0;
  std::vector<int64_t> numels;
  for (Node* leaf : leaves) {
    const at::Tensor& variable = static_cast<torch::autograd::AccumulateGrad*>(leaf)->variable;
    hash = mix64(hash ^ static_cast<uint64_t>(reinterpret_cast<uintptr_t>(variable.unsafeGetTensorImpl())));
    numels.push_back(variable.numel());
  }
  const auto record = std::make_shared<BackwardRecord>(
      hash, leaves.size(), sketching_ ? sketch_samples(numels, kSketchValues) : std::vector<int64_t>());
  records_.push_back(record);
  for (size_t i = 0; i < leaves.size(); ++i) tap_leaf(*leaves[i], record, i);
  for (const auto& [node, pending] : found) {
    if (elsewhere) {
      ReplayResult result;
      result.site = pending->want.site;
      result.unplayed = "its backward runs on another device too";
      record->add(std::move(result));
      continue;
    }
    const auto hook = [self = shared_from_this(), node = node, pending = *pending,
                       weak = std::weak_ptr<BackwardRecord>(record)](const auto& grad_inputs,
                                                                     const auto& grad_outputs) {
      if (const auto alive = weak.lock()) self->replay(*node, pending, *alive, grad_inputs, grad_outputs);
    };
    node->add_post_hook(std::make_unique<NodeHook>(hook));
  }
  std::erase_if(pending_, [&](const Pending& pending) {
    return std::ranges::any_of(found, [&](const auto& item) { return item.second == &pending; });
  });
}

void Replay::replay(Node& node, const Pending& pending, BackwardRecord& record,
                    const torch::autograd::variable_list& grad_inputs,
                    const torch::autograd::variable_list& grad_outputs) const noexcept {
  try {
    const ReplayScope ours;
    const auto payload = pending.payload.lock();
    if (!payload) return;
    ReplayResult result;
    result.site = pending.want.site;
    result.need = pending.want.need;
    if (!alone()) {
      result.unplayed = "another backward runs";
      return record.add(std::move(result));
    }
    auto trial = try_values(*payload, pending.want, turn_.load());
    if (const auto* untried = std::get_if<Untried>(&trial)) {
      result.unplayed = untried->why;
      result.for_good = untried->for_good;
    } else {
      auto& values = std::get<TrialValues>(trial);
      const auto error =
          replay_node(node, *payload, std::move(values.values), pending.follow, grad_inputs, grad_outputs);
      if (const auto* reason = std::get_if<std::string>(&error)) {
        result.unplayed = *reason;
        result.for_good = true;
      } else {
        result.error = std::get<NodeError>(error);
      }
      result.relative_error = values.relative_error;
    }
    record.add(std::move(result));
  } catch (const std::exception& error) {
    // No memory for it now, most likely: another step may have it.
    try {
      ReplayResult result;
      result.site = pending.want.site;
      result.unplayed = std::string("failed: ") + error.what();
      record.add(std::move(result));
    } catch (...) {
      // Then it was not measured, and the schedule counts a miss.
    }
  } catch (...) {
    // As above.
  }
}

void Replay::end_iteration(double noise_variance) {
  const std::lock_guard<std::mutex> lock(mutex_);
  armed_.store(false);
  for (const auto& record : records_) {
    const auto squared_norm = record->squared_norm();
    for (const ReplayResult& result : record->take_results()) take(result, squared_norm);
    if (auto sketch = record->sketch(); !sketch.empty())
      variance_.add(record->leaves_hash(), std::move(sketch), noise_variance);
  }
  records_.clear();
  pending_.clear();
  for (const auto& [name, follow] : chosen_)
    if (schedule_.missed(name)) measured_.by_name[name].unplayed = "no backward ran the node that saved it";
  chosen_.clear();
}

std::shared_ptr<const Sensitivities> Replay::sensitivities() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return std::make_shared<Sensitivities>(measured_);
}

std::optional<double> Replay::gradient_variance() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return variance_.value();
}

int64_t Replay::gradient_pairs() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return variance_.value() ? variance_.pairs() : 0;
}

bool Replay::complete(int64_t rounds) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return schedule_.complete(rounds);
}

void Replay::apply(Profile& profile) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  for (SiteProfile& site : profile.sites) {
    const MeasuredSensitivity* const found = measured_.find(site.name);
    if (found == nullptr) continue;
    site.unplayed = found->unplayed;
    if (found->replays == 0) continue;
    site.sensitivity = found->sensitivity;
    site.replays = found->replays;
    site.replayed_error = found->error;
  }
  if (const auto v = variance_.value()) {
    profile.gradient_variance = *v;
    profile.gradient_pairs = variance_.pairs();
  }
  planner::spread_measurements(profile);
  planner::reprice(profile);
}

}  // namespace cinch::hooks
