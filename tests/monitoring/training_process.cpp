// Trains a small network under a guard with an exporter, for tests that scrape it: cinch-monitored [FILE]. After each
// of three rounds of steps it writes a line of JSON, what the guard says, then waits for a line. FILE: where the
// metrics go as text after each round.
#include <torch/torch.h>

#include <iostream>
#include <nlohmann/json.hpp>

#include "cinch/cinch.h"

namespace {

namespace nn = torch::nn;
constexpr int kRounds = 3, kStepsOfRound = 5;

nlohmann::json site_json(const cinch::SiteUsage& site) {
  return {{"layer", site.layer},
          {"op", site.op},
          {"occurrence", std::to_string(site.occurrence)},
          {"slot", site.slot},
          {"codec", site.codec},
          {"raw_bytes", site.raw_bytes},
          {"charged_bytes", site.charged_bytes},
          {"pack_seconds", site.pack_seconds},
          {"unpack_seconds", site.unpack_seconds},
          {"noise_variance", site.noise_variance}};
}

nlohmann::json report(const cinch::BudgetGuard& guard, const std::string& address) {
  const cinch::Usage usage = guard.usage();
  nlohmann::json sites = nlohmann::json::array();
  for (const cinch::SiteUsage& site : guard.usage_by_site()) sites.push_back(site_json(site));
  return {{"address", address},
          {"steps", usage.steps},
          {"limit_bytes", usage.limit_bytes},
          {"device_peak_bytes", usage.device_peak_bytes},
          {"floor_bytes", usage.floor_bytes},
          {"raw_bytes", usage.raw_bytes},
          {"charged_bytes", usage.charged_bytes},
          {"gradient_noise", usage.gradient_noise},
          {"effective_batch", usage.effective_batch},
          {"sites", sites}};
}

cinch::Budget budget() {
  cinch::Budget budget = cinch::Budget::bytes(int64_t{1} << 30);
  budget.min_effective_batch = 0.25;
  budget.rules.push_back({"*relu*", cinch::CodecSpec{"group_quant", {{"bits", int64_t{4}}}}, {}});
  return budget;
}

}  // namespace

int main(int argc, char** argv) {
  cinch::DeviceMeter::of(torch::kCPU);
  torch::manual_seed(1);
  nn::Sequential model(nn::Conv2d(nn::Conv2dOptions(3, 16, 3).padding(1)), nn::BatchNorm2d(16), nn::ReLU(),
                       nn::Conv2d(nn::Conv2dOptions(16, 16, 3).padding(1)), nn::BatchNorm2d(16), nn::ReLU(), nn::GELU(),
                       nn::Dropout(0.2), nn::Flatten(), nn::Linear(16 * 32 * 32, 10));
  torch::optim::SGD optimizer(model->parameters(), torch::optim::SGDOptions(0.01).momentum(0.9));
  const cinch::MetricsExporter exporter("127.0.0.1:0");
  cinch::BudgetGuard guard(budget());
  guard.track("net \"with\\odd\" name", *model);
  guard.track(optimizer);
  for (int round = 0; round < kRounds; ++round) {
    for (int step = 0; step < kStepsOfRound; ++step) {
      optimizer.zero_grad();
      const auto loss =
          torch::cross_entropy_loss(model->forward(torch::randn({16, 3, 32, 32})), torch::randint(10, {16}));
      loss.backward();
      optimizer.step();
      guard.step();
    }
    if (argc > 1) cinch::write_metrics_file(argv[1]);
    std::cout << report(guard, exporter.address()).dump() << std::endl;
    std::string line;
    if (!std::getline(std::cin, line)) return 1;
  }
  return 0;
}
