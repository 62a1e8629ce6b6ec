// Two GPUs, a guard for each, one thread: half of the network on either.
#include <optional>

#include "tests/hooks/cuda/support.h"

namespace cinch::test {
namespace {

const c10::Device kSecond(c10::kCUDA, 1);

class TwoGpusCuda : public OnGpu {
 protected:
  void SetUp() override {
    OnGpu::SetUp();
    if (IsSkipped()) return;
    if (const int count = backend::cuda_device_count(); count < 2) GTEST_SKIP() << "needs two GPUs, has " << count;
    DeviceMeter::of(kSecond);
  }
};

struct Halves {
  torch::nn::Sequential first, second;

  Halves() {
    torch::manual_seed(5);
    const auto layers = [](int64_t from, int64_t to) {
      return torch::nn::Sequential(torch::nn::Conv2d(torch::nn::Conv2dOptions(from, to, 3).padding(1).bias(false)),
                                   torch::nn::BatchNorm2d(to), torch::nn::ReLU(), torch::nn::GELU());
    };
    first = layers(3, 32);
    second = layers(32, 32);
    first->to(kCuda);
    second->to(kSecond);
  }
  at::Tensor loss(int64_t seed) {
    torch::manual_seed(static_cast<uint64_t>(seed));
    return second->forward(first->forward(torch::randn({64, 3, 32, 32}, kCuda)).to(kSecond)).pow(2).mean();
  }
  std::vector<at::Tensor> gradients(const at::Tensor& of) {
    auto parameters = first->parameters();
    for (const auto& parameter : second->parameters()) parameters.push_back(parameter);
    return torch::autograd::grad({of}, parameters);
  }
};

// Every payload leaves its device and comes back: pools, streams and ledgers of both are at work.
Budget offload_all() {
  auto budget = Budget::exact();
  budget.rules.push_back({"*", CodecSpec{"offload", {}}, {}});
  return budget;
}

GuardOptions on(c10::Device device) {
  GuardOptions options;
  options.device = device;
  return options;
}

void expect_same(const std::vector<at::Tensor>& got, const std::vector<at::Tensor>& stock, const std::string& what) {
  ASSERT_EQ(got.size(), stock.size());
  for (size_t i = 0; i < stock.size(); ++i) EXPECT_TRUE(torch::equal(got[i], stock[i])) << what << ", parameter " << i;
}

TEST_F(TwoGpusCuda, EachGuardKeepsWhatItsDeviceSaves) {
  Halves net;
  std::vector<std::vector<at::Tensor>> stock;
  for (int64_t i = 0; i < 5; ++i) stock.push_back(net.gradients(net.loss(i)));
  BudgetGuard first(offload_all(), on(kCuda)), second(offload_all(), on(kSecond));
  first.track("first", *net.first);
  second.track("second", *net.second);
  for (int64_t i = 0; i < 5; ++i) {
    expect_same(net.gradients(net.loss(i)), stock[static_cast<size_t>(i)], "step " + std::to_string(i));
    first.step();
    second.step();
  }
  for (const BudgetGuard* guard : {&first, &second}) {
    EXPECT_GT(guard->usage().offloaded_bytes, int64_t{8} << 20);
    EXPECT_EQ(guard->usage().fallbacks, 0);
  }
}

TEST_F(TwoGpusCuda, GuardsEndInAnyOrderWhileGraphsLive) {
  Halves net;
  const auto stock = net.gradients(net.loss(0));
  for (const bool outer_first : {false, true}) {
    std::optional<BudgetGuard> first, second;
    first.emplace(offload_all(), on(kCuda));
    second.emplace(offload_all(), on(kSecond));
    for (int64_t i = 1; i < 4; ++i) {
      net.gradients(net.loss(i));
      first->step();
      second->step();
    }
    const auto before = net.loss(0);
    (outer_first ? first : second).reset();
    const auto between = net.loss(0);
    (outer_first ? second : first).reset();
    expect_same(net.gradients(net.loss(0)), stock, "after both");
    expect_same(net.gradients(between), stock, "between the two ends");
    expect_same(net.gradients(before), stock, "before both");
  }
}

}  // namespace
}  // namespace cinch::test
