#include <cinch/cinch.h>
#include <torch/torch.h>

#include <iostream>

int main() {
  cinch::DeviceMeter::of(c10::kCPU);
  torch::nn::Sequential model(torch::nn::Linear(256, 512), torch::nn::ReLU(), torch::nn::Dropout(0.1),
                              torch::nn::Linear(512, 10));
  torch::optim::SGD optimizer(model->parameters(), 0.1);
  cinch::BudgetGuard guard(cinch::Budget::exact());
  guard.track("model", *model);
  guard.track(optimizer);
  for (int step = 0; step < 5; ++step) {
    optimizer.zero_grad();
    torch::cross_entropy_loss(model->forward(torch::randn({128, 256})), torch::randint(10, {128})).backward();
    optimizer.step();
    guard.step();
  }
  const cinch::Usage usage = guard.usage();
  std::cout << "steps " << usage.steps << ", raw " << cinch::format_bytes(usage.raw_bytes) << ", charged "
            << cinch::format_bytes(usage.charged_bytes) << '\n';
  try {
    const cinch::MetricsExporter exporter("127.0.0.1:0");
    std::cout << "metrics at " << exporter.address() << '\n';
  } catch (const cinch::Error& error) {  // a cinch without prometheus-cpp
    std::cout << error.what() << '\n';
  }
  return usage.steps == 5 && usage.raw_bytes > 0 && usage.charged_bytes < usage.raw_bytes ? 0 : 1;
}
