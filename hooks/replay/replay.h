// Measures while training runs: how much an error of each site's values does to the gradient (local replay), and how
// much of the gradient is chance (V). Thread-safe.
#pragma once

#include <torch/csrc/autograd/function.h>

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "cinch/profile.h"
#include "hooks/replay/backward_record.h"
#include "hooks/replay/gradient_variance.h"
#include "hooks/replay/schedule.h"
#include "hooks/replay/sensitivities.h"
#include "hooks/store/payload.h"

namespace cinch::hooks {

class Replay : public std::enable_shared_from_this<Replay> {
 public:
  explicit Replay(std::shared_ptr<Sites> sites) : sites_(std::move(sites)) {}

  // The profile's sites whose values may be coded lossily are to be measured.
  void offer(const Profile& profile);

  // The same for a profile of an earlier run, whose measurements count on.
  void resume(const Profile& profile);

  // The iteration that begins is to measure, and should leave memory for it.
  bool due() const;
  // Round an iteration. `enabled`: this one may be measured (nobody records it). `noise_variance`: what codes add to
  // its gradient, as planned.
  void begin_iteration(bool enabled);
  void end_iteration(double noise_variance);

  // Whether saved() wants to know.
  bool armed() const { return armed_.load(std::memory_order_relaxed); }
  // `want` was saved just now, by the node that this thread made last.
  void saved(const Want& want, const std::shared_ptr<Payload>& payload);

  // Round a backward of the user's. Never throws.
  void backward_begins(const torch::autograd::edge_list& roots, bool records_graph) noexcept;
  void backward_ends() noexcept;

  // All that was measured so far.
  std::shared_ptr<const Sensitivities> sensitivities() const;
  // Measured V, or nullopt; the pairs that it rests on.
  std::optional<double> gradient_variance() const;
  int64_t gradient_pairs() const;
  // Every site has been measured this often, or cannot be.
  bool complete(int64_t rounds) const;
  // Writes what was measured into a profile and prices its options anew.
  void apply(Profile& profile) const;

  // Sites that begin_iteration chose for this step.
  std::vector<std::string> chosen() const;

 private:
  // A save that is to be replayed.
  struct Pending {
    Want want;
    std::weak_ptr<Payload> payload;
    uint64_t sequence = 0, thread = 0;  // of its node
    bool follow = false;
  };
  bool alone() const;                                    // no other backward runs
  void attach(const torch::autograd::edge_list& roots);  // mutex held
  void replay(torch::autograd::Node& node, const Pending& pending, BackwardRecord& record,
              const torch::autograd::variable_list& grad_inputs,
              const torch::autograd::variable_list& grad_outputs) const noexcept;
  void take(const ReplayResult& result, std::optional<double> squared_norm);  // mutex held
  static std::string learn(const ReplayResult& result, MeasuredSensitivity& known, std::optional<double> squared_norm);

  const std::shared_ptr<Sites> sites_;
  std::atomic<bool> armed_{false};
  std::atomic<uint64_t> turn_{0};  // iterations

  mutable std::mutex mutex_;
  Schedule schedule_;
  GradientVariance variance_;
  std::map<std::string, bool> chosen_;  // sites of this iteration; whether they are followed
  bool sketching_ = false;
  int running_ = 0;  // backwards
  std::vector<Pending> pending_;
  std::vector<std::shared_ptr<BackwardRecord>> records_;  // of this iteration
  Sensitivities measured_;
};

}  // namespace cinch::hooks
