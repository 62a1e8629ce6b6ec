#include "bench/gradient_noise.h"

#include <torch/torch.h>

#include <cmath>

#include "cinch/error.h"
#include "cinch/plan.h"
#include "cinch/torch/guard.h"
#include "cinch/torch/meter.h"
#include "src/methods/methods.h"

namespace cinch::bench {
namespace {

struct Pass {
  torch::Tensor gradient;
  int64_t held_bytes = 0;  // by the graph, when the backward begins
};

// The network's own random numbers are the same each time.
Pass pass(models::Model& model, const models::Batch& batch) {
  model.zero_grad();
  torch::manual_seed(100);
  const int64_t before = DeviceMeter::of(torch::kCPU).current_bytes();
  const models::Output out = model.run(batch);
  Pass result;
  // What the forward's locals held is coded as the backward begins.
  out.loss.register_hook(
      [&](const torch::Tensor&) { result.held_bytes = DeviceMeter::of(torch::kCPU).current_bytes() - before; });
  out.loss.backward();
  std::vector<torch::Tensor> parts;
  for (const torch::Tensor& parameter : model.parameters()) {
    if (!parameter.grad().defined()) throw Error("a parameter of the network has no gradient");
    parts.push_back(parameter.grad().to(torch::kFloat64).flatten());
  }
  result.gradient = torch::cat(parts);
  return result;
}

double squared_norm(const torch::Tensor& x) { return x.dot(x).item<double>(); }

int64_t lossy_sites(const Plan& plan) {
  int64_t count = 0;
  for (const PlanEntry& entry : plan.entries) {
    const MethodInfo* method = find_method(entry.spec.name);
    count += method != nullptr && !method->lossless ? 1 : 0;
  }
  return count;
}

}  // namespace

GradientNoise gradient_noise(models::Model& model, const models::Batch& batch, const Budget& budget, int draws,
                             const std::string& plan_file) {
  const Pass exact = pass(model, batch);
  const double size = squared_norm(exact.gradient);
  GradientNoise result;
  GuardOptions options;
  options.load_plan = plan_file;
  options.measure = false;  // each draw is of the same plan
  BudgetGuard guard(budget, options);
  guard.track("model", model);
  while (guard.phase() == Phase::kObserve) {
    pass(model, batch);
    guard.step();
  }
  torch::Tensor sum = torch::zeros_like(exact.gradient);
  for (int i = 0; i < draws; ++i) {
    const Pass coded = pass(model, batch);
    guard.step();
    sum += coded.gradient;
    result.noise_variance += squared_norm(coded.gradient - exact.gradient) / size / draws;
    result.cosine +=
        coded.gradient.dot(exact.gradient).item<double>() / std::sqrt(squared_norm(coded.gradient) * size) / draws;
    result.charged_bytes = coded.held_bytes;
  }
  result.bias_variance = squared_norm(sum / draws - exact.gradient) / size;
  result.raw_bytes = exact.held_bytes;
  result.coded_sites = lossy_sites(*guard.plan());
  result.fallbacks = guard.usage().fallbacks;
  result.finite = std::isfinite(result.noise_variance);
  return result;
}

}  // namespace cinch::bench
