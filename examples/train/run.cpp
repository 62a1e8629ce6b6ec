#include "examples/train/run.h"

#include <algorithm>
#include <chrono>

#include "cinch/torch/meter.h"
#include "examples/train/device.h"

namespace cinch::train {

StepRecord LocalRun::step() {
  DeviceMeter& meter = DeviceMeter::of(training_.device());
  StepRecord record;
  const models::Batch batch = training_.next_batch();
  synchronize(training_.device());  // a device works behind the clock: it must be idle at both ends
  meter.reset_peak();
  const auto begin = std::chrono::steady_clock::now();
  record.loss = training_.step(batch);
  if (guard_ != nullptr) {
    record.peak_bytes = meter.peak_bytes();  // the guard may begin a new interval
    guard_->step();
    const Usage usage = guard_->usage();
    record.coding_seconds = usage.pack_seconds + usage.unpack_seconds;
  }
  synchronize(training_.device());
  record.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  record.peak_bytes = std::max(record.peak_bytes, meter.peak_bytes());
  return record;
}

Evaluation LocalRun::evaluate(int64_t samples) { return training_.evaluate(samples); }

int64_t RunResult::peak_bytes(size_t first) const {
  int64_t peak = 0;
  for (size_t i = first < steps.size() ? first : 0; i < steps.size(); ++i) peak = std::max(peak, steps[i].peak_bytes);
  return peak;
}

double RunResult::step_seconds(size_t first) const {
  std::vector<double> seconds;
  for (size_t i = first < steps.size() ? first : 0; i < steps.size(); ++i) seconds.push_back(steps[i].seconds);
  if (seconds.empty()) return 0.0;
  const auto middle = seconds.begin() + static_cast<std::ptrdiff_t>(seconds.size() / 2);
  std::nth_element(seconds.begin(), middle, seconds.end());
  return *middle;
}

}  // namespace cinch::train
