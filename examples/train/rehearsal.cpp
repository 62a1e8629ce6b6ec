#include "examples/train/rehearsal.h"

#include "cinch/torch/guard.h"
#include "cinch/torch/meter.h"

namespace cinch::train {

std::shared_ptr<const Profile> rehearse(Training& training) {
  Snapshot before(training);
  std::shared_ptr<const Profile> profile;
  {
    GuardOptions options;
    options.observe_steps = 2;
    Budget unlimited;
    unlimited.allow = {"exact"};
    BudgetGuard guard(unlimited, options);
    guard.track("model", training.model());
    guard.track(training.optimizer());
    for (int i = 0; i < 2; ++i) {
      training.step(training.next_batch());
      guard.step();
    }
    profile = guard.profile();
  }
  before.restore();
  DeviceMeter::of(torch::kCPU).reset_peak();
  return profile;
}

}  // namespace cinch::train
