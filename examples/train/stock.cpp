#include "examples/train/stock.h"

#include "examples/train/baseline_process.h"

namespace cinch::train {

StockRun train_stock(const Options& options, int64_t steps, int64_t limit_bytes) {
  StockRun stock;
  try {
    BaselineProcess process(options);
    if (limit_bytes > 0) process.set_limit(limit_bytes);
    for (int64_t i = 0; i < steps; ++i) stock.run.steps.push_back(process.step());
    if (options.eval_samples > 0) stock.run.evaluation = process.evaluate(options.eval_samples);
  } catch (const BaselineOutOfMemory&) {
    stock.out_of_memory = true;
  }
  return stock;
}

}  // namespace cinch::train
