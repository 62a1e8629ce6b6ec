// A store over a late device, whose plan has everything offloaded.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "cinch/plan.h"
#include "hooks/store/store.h"
#include "tests/hooks/late_device.h"

namespace cinch::hooks {

constexpr int64_t kMiB = int64_t{1} << 20;

struct OffloadTest : testing::Test {
  using Values = std::shared_ptr<std::vector<float>>;

  test::LateDevice device;
  std::shared_ptr<Sites> sites = std::make_shared<Sites>();
  std::shared_ptr<Store> store = std::make_shared<Store>(device, sites, 1);
  Want want;

  OffloadTest() {
    test::LateDevice::current = 0;
    device.host_pool()->set_bound(1024 * kMiB);
    const OpInfo& op = op_info("aten::conv2d");
    want.site = sites->intern(sites->intern_layer("net"), op, 0, 0);
    want.need = Need::kLinear;
    want.known_op = true;
    plan("offload");
  }
  ~OffloadTest() override {
    // Whoever writes into memory that is no longer his shows here.
    device.run_all();
    store->poll();
    device.run_all();
    EXPECT_TRUE(device.freed_memory_is_left_alone());
    store.reset();
  }
  backend::HostPool& pool() { return *device.host_pool(); }
  int64_t in_use() { return device.meter().current(); }

  void plan(const std::string& method) {
    Plan plan;
    PlanEntry entry;
    entry.site = (*sites)[want.site].name;
    entry.spec = CodecSpec{method, {}};
    plan.entries.push_back(entry);
    store->set_policy(std::make_shared<Policy>(plan));
  }

  static float value(int64_t seed, int64_t i) { return static_cast<float>(seed * 1000 + i % 997); }
  // Values that are written late, on the current stream.
  at::Tensor make(int64_t seed, int64_t bytes) {
    at::Tensor x = device.tensor(bytes / 4);
    auto* data = static_cast<float*>(x.mutable_data_ptr());
    device.later([=] {
      for (int64_t i = 0; i < bytes / 4; ++i) data[i] = value(seed, i);
    });
    return x;
  }
  // Saved, and held by nobody else: coded at the next save or poll.
  Store::Kept save(int64_t seed, int64_t bytes = 2 * kMiB) { return store->save(make(seed, bytes), want); }
  std::vector<Store::Kept> offloaded(int count, int64_t bytes = 2 * kMiB) {
    std::vector<Store::Kept> kept;
    for (int i = 0; i < count; ++i) kept.push_back(save(i, bytes));
    store->poll();
    for (const auto& k : kept) EXPECT_FALSE(k.payload->is_raw());
    return kept;
  }
  // Reads a tensor late, on the current stream.
  Values read(const at::Tensor& tensor) {
    auto values = std::make_shared<std::vector<float>>(tensor.numel());
    const auto* data = static_cast<const float*>(tensor.const_data_ptr());
    device.later([=] { std::copy_n(data, values->size(), values->begin()); });
    return values;
  }
  // What a node does: unpacks, reads, drops.
  Values use(const Store::Kept& kept) { return read(store->unpack(kept, want)); }
  void expect(const Values& values, int64_t seed) {
    device.run_all();
    for (size_t i = 0; i < values->size(); ++i)
      ASSERT_EQ((*values)[i], value(seed, static_cast<int64_t>(i))) << "value " << i << " of payload " << seed;
  }
};

}  // namespace cinch::hooks
