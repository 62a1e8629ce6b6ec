// Training with an exporter that is scraped once a second, beside the same training without one, in turns.
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <fstream>
#include <mutex>
#include <optional>
#include <thread>

#include "bench/http_get.h"
#include "bench/paired.h"
#include "bench/suite.h"
#include "bench/trainer.h"
#include "cinch/error.h"
#include "cinch/metrics.h"
#include "cinch/torch/guard.h"
#include "examples/train/run.h"

namespace cinch::bench {
namespace {

constexpr auto kInterval = std::chrono::seconds(1);
constexpr int kSettlingSteps = 6;  // observe, plan, first steps under the plan
constexpr double kMostStepRatio = 1.01;
constexpr double kMostError = 0.02;  // two standard errors: beyond it nothing was shown

struct Extent {
  int pairs, steps;  // turns of each kind, steps of a turn
};

int64_t resident_bytes() {
  int64_t pages = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> pages >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}

// Asks once a second, the first time at once. As a thread of this process it costs the training more than a scraper
// elsewhere would.
class Scraper {
 public:
  explicit Scraper(std::string address) : address_(std::move(address)), thread_([this] { run(); }) {}
  ~Scraper() { stop(); }
  Scraper(const Scraper&) = delete;
  Scraper& operator=(const Scraper&) = delete;

  void stop() {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      stopped_ = true;
    }
    wake_.notify_all();
    if (thread_.joinable()) thread_.join();
  }
  // After stop().
  const std::vector<double>& seconds() const { return seconds_; }
  const std::string& last() const { return last_; }
  const std::string& problem() const { return problem_; }

 private:
  void run() {
    std::unique_lock<std::mutex> lock(mutex_);
    do {
      const auto begin = std::chrono::steady_clock::now();
      try {
        last_ = http_get(address_, "/metrics").body;
      } catch (const Error& error) {
        problem_ = error.what();
      }
      seconds_.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
    } while (!wake_.wait_for(lock, kInterval, [this] { return stopped_; }));
  }

  const std::string address_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopped_ = false;
  std::vector<double> seconds_;
  std::string last_, problem_;
  std::thread thread_;  // last: it uses the others
};

struct Measured {
  std::vector<double> with, without, pair_ratios, scrape_seconds;
  std::string text, problem;
};

double turn(train::LocalRun& run, int steps, std::vector<double>& seconds) {
  double sum = 0;
  for (int i = 0; i < steps; ++i) {
    seconds.push_back(run.step().seconds);
    sum += seconds.back();
  }
  return sum;
}

double scraped_turn(train::LocalRun& run, int steps, Measured& measured) {
  const MetricsExporter exporter("127.0.0.1:0");
  Scraper scraper(exporter.address());
  const double sum = turn(run, steps, measured.with);
  scraper.stop();
  measured.scrape_seconds.insert(measured.scrape_seconds.end(), scraper.seconds().begin(), scraper.seconds().end());
  measured.text = scraper.last();
  if (!scraper.problem().empty()) measured.problem = scraper.problem();
  return sum;
}

// Which comes first changes from pair to pair: what grows or shrinks as training goes on is no part of the ratio.
Measured take_turns(train::LocalRun& run, const Extent& extent) {
  Measured measured;
  for (int pair = 0; pair < extent.pairs; ++pair) {
    const bool scraped_first = pair % 2 == 1;
    double with = scraped_first ? scraped_turn(run, extent.steps, measured) : 0.0;
    const double without = turn(run, extent.steps, measured.without);
    if (!scraped_first) with = scraped_turn(run, extent.steps, measured);
    measured.pair_ratios.push_back(with / without);
  }
  return measured;
}

// While training stands still: what the process grows by when an exporter starts and has answered a few times.
int64_t exporter_bytes() {
  const int64_t before = resident_bytes();
  const MetricsExporter exporter("127.0.0.1:0");
  for (int i = 0; i < 20; ++i) http_get(exporter.address(), "/metrics");
  return std::max<int64_t>(0, resident_bytes() - before);
}

int64_t samples_in(const std::string& text) {
  int64_t lines = 0;
  for (size_t at = 0; at < text.size(); at = text.find('\n', at) + 1) lines += text[at] == '#' ? 0 : 1;
  return lines;
}

nlohmann::json measure(const TrainingCase& what, const SuiteOptions& suite, const Extent& extent, SuiteResult& result) {
  const train::Options options = trainer_options(what, suite, kSettlingSteps + 2 * extent.pairs * extent.steps);
  const auto data = train::load_data(options);
  train::Training training(options, *data);
  GuardOptions guard_options;
  guard_options.measure = false;  // measuring makes a few steps longer, here and there
  BudgetGuard guard(Budget::above_floor(0.25), guard_options);
  guard.track("model", training.model());
  guard.track(training.optimizer());
  train::LocalRun run(training, &guard);
  for (int i = 0; i < kSettlingSteps; ++i) run.step();
  const int64_t bytes = exporter_bytes();
  const Measured measured = take_turns(run, extent);
  if (!measured.problem.empty()) result.failures.push_back(to_string(what) + ": " + measured.problem);
  const double with = median(measured.with), without = median(measured.without);
  return {{"model", what.model},
          {"data", what.data},
          {"batch", what.batch},
          {"steps", measured.with.size()},
          {"step_seconds", with},
          {"without_step_seconds", without},
          {"step_ratio", with / without},
          {"turn_ratio", median(measured.pair_ratios)},
          {"turn_ratio_standard_error", median_standard_error(measured.pair_ratios)},
          {"turn_ratios", measured.pair_ratios},
          {"scrape_interval_seconds", std::chrono::duration<double>(kInterval).count()},
          {"scrapes", measured.scrape_seconds.size()},
          {"scrape_seconds", median(measured.scrape_seconds)},
          {"scrape_bytes", measured.text.size()},
          {"samples", samples_in(measured.text)},
          {"sites", guard.usage_by_site().size()},
          {"exporter_bytes", bytes}};
}

SuiteResult run(const SuiteOptions& options) {
  SuiteResult result;
  result.columns = {"model",        "batch",      "step_seconds",  "without_step_seconds",
                    "step_ratio",   "turn_ratio", "scrapes",       "scrape_seconds",
                    "scrape_bytes", "sites",      "exporter_bytes"};
  const TrainingCase what =
      options.quick ? TrainingCase{"gpt", "text", 4} : TrainingCase{"resnet18", "fashion-mnist", 64};
  result.rows.push_back(measure(what, options, options.quick ? Extent{1, 3} : Extent{120, 4}, result));
  // Pairs share what the machine was like; what they leave open is said, and counts for the exporter.
  const double ratio = result.rows.back().at("turn_ratio"), error = result.rows.back().at("turn_ratio_standard_error");
  const std::string found = to_string(what) + ": steps with an exporter take " + std::to_string(ratio) +
                            " of those without, give or take " + std::to_string(2 * error);
  if (options.quick) return result;
  if (ratio - 2 * error > kMostStepRatio || 2 * error > kMostError)
    result.failures.push_back(found);
  else if (ratio + 2 * error > kMostStepRatio)
    result.notes.push_back(found);
  return result;
}

const Registration registration("metrics", "training with an exporter scraped each second, beside training without",
                                run);

}  // namespace
}  // namespace cinch::bench
