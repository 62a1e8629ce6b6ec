// To which payloads `offload` is offered.
#include <set>

#include "hooks/observe/recorder.h"
#include "src/backend/cuda/runtime.h"
#include "tests/hooks/offload_support.h"

namespace cinch::hooks {
namespace {

struct OffloadOption : OffloadTest {
  OffloadOption() { store->set_policy(nullptr); }

  struct Offered {
    int64_t bytes = 0;
    std::vector<bool> to;
  };
  // Saves payloads of these sizes, all with the same need, and asks what a profile offers them.
  Offered observe(const std::vector<int64_t>& sizes) {
    auto recorder = std::make_shared<Recorder>(store, sites);
    store->set_listener(recorder);
    {
      std::vector<Store::Kept> kept;
      for (const int64_t bytes : sizes) {
        at::Tensor x = make(1, bytes);
        device.run_all();  // statistics are taken of what is there
        kept.push_back(store->save(x, want));
      }
      store->poll();
      store->set_listener(nullptr);
    }
    Offered offered;
    for (const PayloadProfile& payload : recorder->finish().payloads) {
      const auto is_offload = [](const Option& option) { return option.spec.name == "offload"; };
      const auto it = std::ranges::find_if(payload.options, is_offload);
      offered.to.push_back(it != payload.options.end());
      if (it == payload.options.end()) continue;
      offered.bytes += payload.raw_bytes;
      EXPECT_EQ(it->charged_bytes, 0);
      EXPECT_TRUE(it->lossless);
      EXPECT_EQ(it->noise_variance, 0);
      EXPECT_DOUBLE_EQ(it->seconds, 2 * static_cast<double>(payload.raw_bytes) / 1e9) << "out, and back once";
    }
    return offered;
  }
};

TEST_F(OffloadOption, ItIsOfferedToLargeValues) {
  EXPECT_EQ(observe({2 * kMiB, kMiB, kMiB + 4}).to, (std::vector<bool>{true, false, true}));
}

TEST_F(OffloadOption, NoMoreThanThePoolHolds) {
  pool().set_bound(5 * kMiB);
  EXPECT_EQ(observe({2 * kMiB, 4 * kMiB, 2 * kMiB, 2 * kMiB}).to, (std::vector<bool>{true, false, true, false}));
  pool().set_bound(0);
  EXPECT_EQ(observe({2 * kMiB}).bytes, 0);
}

TEST_F(OffloadOption, WhereAMaskDoesItIsNotOffered) {
  want.need = Need::kMask;
  want.predicate = {PredicateKind::kGreater, 0, 0, false};
  EXPECT_EQ(observe({2 * kMiB}).bytes, 0);
  want.need = Need::kShape;
  EXPECT_EQ(observe({2 * kMiB}).bytes, 0);
  want.need = Need::kExact;
  EXPECT_EQ(observe({2 * kMiB}).bytes, 2 * kMiB);
}

TEST(OffloadOnTheCpu, IsNeverOffered) {
  EXPECT_EQ(backend::device_memory(c10::kCPU).host_pool(), nullptr);
  EXPECT_EQ(Offload::make(backend::device_memory(c10::kCPU)), nullptr);
}

// Its kernels wait for their first run on a GPU; until then no plan chooses it there by itself.
TEST_F(OffloadOption, DitherIsOfferedOnTheCpuAlone) {
  const auto offered = [&](DeviceKind kind) {
    device.kind_in_name = kind;
    auto recorder = std::make_shared<Recorder>(store, sites);
    store->set_listener(recorder);
    {
      at::Tensor x = make(1, kMiB);
      device.run_all();
      const auto kept = store->save(x, want);
      x.reset();  // what only the payload holds can be coded
      store->poll();
      store->set_listener(nullptr);
    }
    std::set<std::string> names;
    for (const PayloadProfile& payload : recorder->finish().payloads)
      for (const Option& option : payload.options) names.insert(option.spec.name);
    device.kind_in_name = DeviceKind::kCpu;
    return names;
  };
  const auto on_gpu = offered(DeviceKind::kCuda);
  EXPECT_EQ(on_gpu.contains("group_quant"), backend::cuda_built());
  EXPECT_FALSE(on_gpu.contains("dither"));
  const auto on_cpu = offered(DeviceKind::kCpu);
  EXPECT_TRUE(on_cpu.contains("group_quant"));
  EXPECT_TRUE(on_cpu.contains("dither"));
}

}  // namespace
}  // namespace cinch::hooks
