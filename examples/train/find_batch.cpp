#include "examples/train/find_batch.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "cinch/planner.h"
#include "cinch/torch/guard.h"
#include "cinch/torch/out_of_budget.h"
#include "examples/train/device.h"
#include "examples/train/rehearsal.h"
#include "examples/train/training.h"

namespace cinch::train {
namespace {

// Samples of the two batches that are looked at: small, for they keep to no limit.
constexpr std::array<int64_t, 2> kLookedAt = {16, 32};
constexpr int64_t kStepsUnderPlan = 2;

Options with_batch(const Options& options, int64_t batch) {
  Options out = options;
  out.batch = batch;
  out.batch_auto = false;
  out.steps = std::max<int64_t>(out.steps, 8);
  return out;
}

Budget budget_of(const Options& options) {
  return options.budget_value ? *options.budget_value : Budget::parse(options.budget);
}

int64_t stepped(int64_t batch, double factor) {
  const auto next = static_cast<int64_t>(std::floor(static_cast<double>(batch) * factor));
  return factor < 1 ? std::min(batch - 1, next) : std::max(batch + 1, next);
}

}  // namespace

bool trains(const Options& options, int64_t batch) {
  const Options chosen = with_batch(options, batch);
  bool fits = true;
  try {
    const auto data = load_data(chosen);
    Training training(chosen, *data);
    GuardOptions guard_options;
    guard_options.device = training.device();
    guard_options.measure = false;
    BudgetGuard guard(budget_of(chosen), guard_options);
    guard.track("model", training.model());
    guard.track(training.optimizer());
    for (int64_t i = 0; i < guard_options.observe_steps + kStepsUnderPlan; ++i) {
      training.step(training.next_batch());
      guard.step();
    }
  } catch (const c10::OutOfMemoryError&) {
    fits = false;
  } catch (const BudgetError&) {
    fits = false;
  }
  release_unused(open_device(options.device));
  return fits;
}

int64_t find_batch(const Options& options, const std::function<void(const std::string&)>& note) {
  const Budget budget = budget_of(options);
  if (budget.limit.kind != LimitKind::kBytes && budget.limit.kind != LimitKind::kFractionOfDevice)
    throw Error("--batch auto needs a limit that does not depend on the batch: bytes, or a share of the device");
  std::vector<Profile> profiles;
  for (const int64_t batch : kLookedAt) {
    const auto profile = rehearse(with_batch(options, batch), budget.rules);
    if (!profile) throw Error("--batch auto needs a guard; CINCH_DISABLE is set");
    profiles.push_back(*profile);
  }
  const BatchAdvice advice = advise_batch(profiles, budget);
  int64_t batch = std::max<int64_t>(1, advice.largest_batch.value_or(1));
  note("by its profile " + std::to_string(batch) + " samples fit");
  const auto attempt = [&](int64_t samples) {
    const bool fits = trains(options, samples);
    note(std::to_string(samples) + (fits ? " samples train" : " samples do not train"));
    return fits;
  };
  if (attempt(batch)) {
    for (int64_t more = stepped(batch, 1 + kBatchStep); attempt(more); more = stepped(batch, 1 + kBatchStep))
      batch = more;
    return batch;
  }
  while (batch > 1) {
    batch = stepped(batch, 1 - kBatchStep);
    if (attempt(batch)) return batch;
  }
  throw Error("not even one sample trains under " + options.budget);
}

}  // namespace cinch::train
