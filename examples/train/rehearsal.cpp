#include "examples/train/rehearsal.h"

#include <c10/util/Exception.h>

#include "cinch/error.h"
#include "cinch/torch/guard.h"
#include "cinch/torch/meter.h"
#include "examples/train/device.h"
#include "examples/train/snapshot.h"

namespace cinch::train {

bool is_relative(const Budget& budget) {
  return budget.limit.kind == LimitKind::kFractionOfBaseline || budget.limit.kind == LimitKind::kAboveFloor;
}

std::shared_ptr<const Profile> observe(Training& training, const std::vector<SiteRule>& rules) {
  GuardOptions options;
  options.device = training.device();
  options.observe_steps = 2;
  options.batch = training.batch();
  options.measure = false;
  Budget unlimited;
  unlimited.rules = rules;
  unlimited.min_effective_batch = 0;  // nothing is coded before the guard ends
  BudgetGuard guard(unlimited, options);
  guard.track("model", training.model());
  guard.track(training.optimizer());
  for (int i = 0; i < 2; ++i) {
    training.step(training.next_batch());
    guard.step();
  }
  return guard.profile();
}

std::shared_ptr<const Profile> rehearse(Training& training, const std::vector<SiteRule>& rules) {
  Snapshot before(training);
  std::shared_ptr<const Profile> profile;
  try {
    profile = observe(training, rules);
  } catch (const c10::OutOfMemoryError&) {
    throw Error("the rehearsal, two steps without a limit, does not fit " + training.device().str() +
                "; give the budget in bytes, which needs none");
  }
  before.restore();
  release_unused(training.device());
  DeviceMeter::of(training.device()).reset_peak();
  return profile;
}

std::shared_ptr<const Profile> rehearse(const Options& options, const std::vector<SiteRule>& rules) {
  const auto data = load_data(options);
  std::shared_ptr<const Profile> profile;
  {
    Training training(options, *data);
    profile = rehearse(training, rules);
  }
  release_unused(open_device(options.device));
  return profile;
}

}  // namespace cinch::train
