// Whole trainings: stock, lossless, and every value in two bits. Time of a step, peak, and bytes kept for the backward.
#include <cmath>
#include <optional>

#include "bench/suite.h"
#include "bench/trainer.h"
#include "examples/train/session.h"

namespace cinch::bench {
namespace {

// Three steps observe and settle; the rest is timed.
constexpr int64_t kUntimedSteps = 3;

struct NamedBudget {
  const char* name;
  Budget budget;
};

// As in the published comparisons: 2 bits for every value, whatever that does to the gradient; masks, shapes and
// integers in their exact forms.
std::vector<NamedBudget> budgets() {
  Budget two_bits;
  two_bits.min_effective_batch = 0.0;
  two_bits.rules = {{"*", CodecSpec{"group_quant", {{"bits", int64_t{2}}}}, {}}};
  return {{"exact", Budget::exact()}, {"2 bits", two_bits}};
}

std::vector<TrainingCase> cases(const SuiteOptions& options) {
  if (options.device.is_cpu()) {
    if (options.quick) return {{"gpt", "text", 4}, {"gpt", "text", 4, "bf16"}};
    return {{"resnet18", "fashion-mnist", 64}, {"mobilenet_v2", "fashion-mnist", 32}, {"gpt", "text", 16}};
  }
  if (options.quick) return {{"resnet50", "synthetic-images", 64, "bf16"}};
  std::vector<TrainingCase> all;
  for (const char* amp : {"none", "bf16"})
    for (const int64_t batch : {64, 128, 256, 512}) all.push_back({"resnet50", "synthetic-images", batch, amp});
  all.push_back({"vit_b16", "synthetic-images", 64, "bf16"});
  all.push_back({"gpt2", "synthetic-text", 8, "bf16"});
  return all;
}

int64_t steps_of(const SuiteOptions& options) {
  if (options.quick) return kUntimedSteps + 3;
  return kUntimedSteps + 17;
}

// On the CPU the same program gives the same bits; a device may choose among kernels.
void check_exact(const nlohmann::json& row, const std::string& what, bool same_bits, SuiteResult& result) {
  if (row.at("charged_bytes") > row.at("raw_bytes"))
    result.failures.push_back(what + ": lossless payloads take more than the raw bytes");
  if (same_bits && row.contains("baseline_loss") && row.at("loss") != row.at("baseline_loss"))
    result.failures.push_back(what + ": the loss under a lossless budget is not stock's");
}

void measure(const TrainingCase& what, const SuiteOptions& suite, SuiteResult& result) {
  std::optional<train::StockRun> stock;
  for (const NamedBudget& named : budgets()) {
    train::Options options = trainer_options(what, suite, steps_of(suite));
    options.budget = named.name;
    options.budget_value = named.budget;
    if (!takes_turns(suite) && !stock) stock = train::train_stock(options, options.steps);
    const train::Outcome outcome = train::try_train(options, stock ? &*stock : nullptr);
    const nlohmann::json row = train::to_row(outcome);
    const std::string label = to_string(what) + ", " + named.name;
    // Without a limit there is nothing to refuse but what does not fit the device, and stock shows whether that is so.
    if (!outcome.refusal.empty() && !outcome.baseline_out_of_memory)
      result.failures.push_back(label + ": ran out of memory where stock did not: " + outcome.refusal);
    else if (outcome.refusal.empty() && row.at("raw_bytes").get<int64_t>() <= 0)
      result.failures.push_back(label + ": no payload was counted");
    if (outcome.refusal.empty() && named.budget.lossless_only()) check_exact(row, label, suite.device.is_cpu(), result);
    result.rows.push_back(row);
  }
}

SuiteResult run(const SuiteOptions& options) {
  SuiteResult result;
  result.columns = {"model",
                    "batch",
                    "amp",
                    "budget",
                    "planned_peak_bytes",
                    "baseline_peak_bytes",
                    "raw_of_payloads",
                    "samples_per_second",
                    "baseline_samples_per_second",
                    "step_ratio"};
  for (const TrainingCase& what : cases(options)) measure(what, options, result);
  return result;
}

const Registration registration("train", "step time, peak and payload bytes of whole trainings, stock beside them", run,
                                Devices::kCpuAndCuda);

}  // namespace
}  // namespace cinch::bench
