// The batch that `--batch auto` finds beside the largest that trains, found by halves.
#include "bench/suite.h"
#include "bench/trainer.h"
#include "examples/train/find_batch.h"

namespace cinch::bench {
namespace {

constexpr double kWithin = 0.05;  // of the largest

struct Case {
  TrainingCase what;
  const char* limit;
};

std::vector<Case> cases(bool quick) {
  if (quick) return {{{"lstm", "fashion-mnist", 1}, "64MiB"}};
  return {{{"resnet18", "fashion-mnist", 1}, "300MiB"},
          {{"mobilenet_v2", "fashion-mnist", 1}, "200MiB"},
          {{"gpt", "text", 1}, "200MiB"}};
}

// At least `low` samples train, which is known; the answer is exact to one part in a hundred.
int64_t largest_that_trains(const train::Options& options, int64_t low) {
  int64_t high = 2 * low;
  while (train::trains(options, high)) {
    low = high;
    high *= 2;
  }
  while (high - low > std::max<int64_t>(1, low / 100)) {
    const int64_t middle = low + (high - low) / 2;
    (train::trains(options, middle) ? low : high) = middle;
  }
  return low;
}

SuiteResult run(const SuiteOptions& suite) {
  SuiteResult result;
  result.columns = {"model", "budget", "found_batch", "largest_batch", "ratio", "attempts"};
  for (const Case& c : cases(suite.quick)) {
    if (!suite.model.empty() && suite.model != c.what.model) continue;
    train::Options options = trainer_options(c.what, suite, 8);
    options.budget = c.limit;
    options.text = suite.text;
    int64_t notes = 0;
    const int64_t found = train::find_batch(options, [&](const std::string&) { ++notes; });
    const int64_t largest = largest_that_trains(options, found);
    const double ratio = static_cast<double>(found) / static_cast<double>(largest);
    result.rows.push_back({{"model", c.what.model},
                           {"budget", c.limit},
                           {"found_batch", found},
                           {"largest_batch", largest},
                           {"ratio", ratio},
                           {"attempts", notes - 1}});
    if (ratio < 1 - kWithin)
      result.failures.push_back(c.what.model + ": " + std::to_string(found) + " samples are not within 5 % of " +
                                std::to_string(largest));
  }
  return result;
}

const Registration registration("batch", "the batch that --batch auto finds beside the largest that trains", run,
                                Devices::kCpu, Network::kChosen, {.text = true, .dump = false});

}  // namespace
}  // namespace cinch::bench
