// Lossless budgets: gradients bit for bit as stock's, and how many bytes they save, for the
// example networks that learn from small data.
#include <torch/torch.h>

#include <cstring>
#include <map>

#include "bench/suite.h"
#include "cinch/torch/guard.h"
#include "cinch/torch/meter.h"
#include "examples/data/data_set.h"
#include "examples/models/model.h"

namespace cinch::bench {
namespace {

using Gradients = std::vector<std::vector<char>>;

// Least share of the distinct raw bytes that a network must save. The others must not lose any.
const std::map<std::string, double> kLeastSaving{
    {"vgg16", 0.40}, {"mobilenet_v2", 0.25}, {"unet", 0.10}, {"gpt", 0.08}};

constexpr int kIterations = 4;  // two observed, two under the plan

// Outside torch's memory, so that what is kept for comparison does not count.
Gradients copy_gradients(models::Model& model) {
  Gradients all;
  for (const torch::Tensor& parameter : model.parameters()) {
    const torch::Tensor& gradient = parameter.grad();
    if (!gradient.defined()) throw Error("a parameter of the network has no gradient");
    const torch::Tensor dense = gradient.contiguous();
    std::vector<char> bytes(dense.nbytes());
    std::memcpy(bytes.data(), dense.const_data_ptr(), bytes.size());
    all.push_back(std::move(bytes));
  }
  return all;
}

models::Batch batch_of(const data::DataSet& data, int iteration, int64_t size) {
  std::vector<int64_t> indices(static_cast<size_t>(size));
  for (size_t i = 0; i < indices.size(); ++i) indices[i] = iteration * size + static_cast<int64_t>(i);
  return data.train_batch(indices);
}

// One forward and backward from the same weights and generator each time. Gives the bytes that the graph held, too.
int64_t iterate(models::Model& model, const data::DataSet& data, int iteration, int64_t size) {
  model.zero_grad();
  torch::manual_seed(100 + static_cast<uint64_t>(iteration));
  const models::Batch batch = batch_of(data, iteration, size);
  const int64_t before = DeviceMeter::of(torch::kCPU).current_bytes();
  const models::Output out = model.run(batch);
  const int64_t held = DeviceMeter::of(torch::kCPU).current_bytes() - before;
  out.loss.backward();
  return held;
}

std::vector<Gradients> run_stock(models::Model& model, const data::DataSet& data, int64_t size, int64_t& held) {
  std::vector<Gradients> all;
  for (int i = 0; i < kIterations; ++i) {
    held = iterate(model, data, i, size);
    all.push_back(copy_gradients(model));
  }
  return all;
}

nlohmann::json measure(const std::string& name, const data::DataSet& data, bool quick) {
  const int64_t size = quick ? 2 : data.kind() == models::DataKind::kText ? 8 : 16;
  torch::manual_seed(1);
  const auto model = models::make_model(name, data.model_options());
  model->train();
  int64_t held = 0;
  const auto stock = run_stock(*model, data, size, held);
  const bool repeatable = run_stock(*model, data, size, held) == stock;

  Usage usage;
  std::vector<Gradients> guarded;
  {
    BudgetGuard guard(Budget::exact());
    guard.track("model", *model);
    for (int i = 0; i < kIterations; ++i) {
      iterate(*model, data, i, size);
      guarded.push_back(copy_gradients(*model));
      guard.step();
    }
    usage = guard.usage();
  }
  return {{"model", name},
          {"batch", size},
          {"raw_bytes", usage.raw_bytes},
          {"charged_bytes", usage.charged_bytes},
          {"saving",
           1.0 - static_cast<double>(usage.charged_bytes) / static_cast<double>(std::max<int64_t>(1, usage.raw_bytes))},
          {"identical", guarded == stock},
          {"stock_repeatable", repeatable},
          {"stock_held_bytes", held},
          {"fallbacks", usage.fallbacks}};
}

SuiteResult run(const SuiteOptions& options) {
  SuiteResult result;
  result.columns = {"model",  "batch",     "raw_bytes",        "charged_bytes",
                    "saving", "identical", "stock_repeatable", "stock_held_bytes"};
  const auto images = data::load_fashion_mnist();
  const auto text = data::load_text("");
  for (const std::string& name : models::model_names()) {
    // Those for large data take minutes; their tests have them in reduced sizes.
    if (models::default_data_set(name).starts_with("synthetic")) continue;
    const bool is_text = models::default_data(name) == models::DataKind::kText;
    nlohmann::json row = measure(name, is_text ? *text : *images, options.quick);
    const auto least = kLeastSaving.find(name);
    row["least_saving"] = least == kLeastSaving.end() ? 0.0 : least->second;
    if (!row["identical"].get<bool>()) result.failures.push_back(name + ": gradients differ from stock's");
    if (row["raw_bytes"].get<int64_t>() <= 0) result.failures.push_back(name + ": no payload was counted");
    if (row["saving"].get<double>() < row["least_saving"].get<double>()) {
      result.failures.push_back(name + ": saves less than the least it must");
    }
    result.rows.push_back(std::move(row));
  }
  return result;
}

const Registration registration("exact", "gradients and bytes under a lossless budget, networks for small data", run);

}  // namespace
}  // namespace cinch::bench
