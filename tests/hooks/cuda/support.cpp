#include "tests/hooks/cuda/support.h"

#include "hooks/catalogue/needs_table.h"

namespace cinch::test {

bool catalogue_holds_on_cuda() {
  for (const auto& op : hooks::needs_table())
    for (const auto& slot : op.slots)
      for (const auto& row : slot.rows)
        if (row.verified.cuda && is_value(row.need)) return true;
  return false;
}

SmallNet make_net() {
  torch::manual_seed(5);
  SmallNet net;
  net->to(kCuda);
  return net;
}

Step train(SmallNet& net, int64_t steps, BudgetGuard* guard, int64_t batch) {
  torch::manual_seed(6);
  torch::optim::SGD optimizer(net->parameters(), torch::optim::SGDOptions(0.01).momentum(0.9));
  if (guard != nullptr) {
    guard->track("net", *net);
    guard->track(optimizer);
  }
  Step last;
  for (int64_t i = 0; i < steps; ++i) {
    optimizer.zero_grad();
    const auto loss = net->loss(torch::randn({batch, 3, 32, 32}, kCuda));
    loss.backward();
    last.gradients.clear();
    for (const auto& parameter : net->parameters()) last.gradients.push_back(parameter.grad().clone());
    optimizer.step();
    if (guard != nullptr) guard->step();
    if (i + 1 == steps) last.loss = loss.item<double>();
  }
  return last;
}

}  // namespace cinch::test
