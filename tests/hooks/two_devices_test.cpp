// Two devices and the CPU under guards of one thread. The devices are the CPU's memory under other names: what is
// saved, coded and given back there is real, and nothing is computed there.
#include <ATen/EmptyTensor.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <torch/csrc/autograd/saved_variable.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>

#include "cinch/plan.h"
#include "cinch/torch/scope.h"
#include "hooks/session.h"
#include "tests/hooks/renamed_device.h"
#include "tests/hooks/support.h"

namespace cinch::hooks {
namespace {

using torch::autograd::SavedVariable;

constexpr int64_t kNumel = 1 << 16;
const std::string kOp = "test::two_devices";

// In the place of CUDA's own, which wants a GPU: knows which device is this thread's current one, and no more.
struct NamedGuard final : c10::impl::NoOpDeviceGuardImpl<c10::kCUDA> {
  static thread_local c10::DeviceIndex current;

  c10::Device exchangeDevice(c10::Device device) const override {
    return {c10::kCUDA, std::exchange(current, device.index())};
  }
  c10::Device getDevice() const override { return {c10::kCUDA, current}; }
  void setDevice(c10::Device device) const override { current = device.index(); }
  void uncheckedSetDevice(c10::Device device) const noexcept override { current = device.index(); }
};
thread_local c10::DeviceIndex NamedGuard::current = 0;

// While alive, CUDA's devices are names.
struct NamedGuardInstalled {
  NamedGuardInstalled() : before(slot().exchange(&guard)) {}
  ~NamedGuardInstalled() { slot().store(before); }
  NamedGuardInstalled(const NamedGuardInstalled&) = delete;
  NamedGuardInstalled& operator=(const NamedGuardInstalled&) = delete;

  static std::atomic<const c10::impl::DeviceGuardImplInterface*>& slot() {
    return c10::impl::device_guard_impl_registry[static_cast<size_t>(c10::kCUDA)];
  }
  const NamedGuard guard;
  const c10::impl::DeviceGuardImplInterface* const before;
};

// Its tensors carry its name; it counts what they take. Whoever asks for memory launches a kernel next.
class NamedDevice final : public test::RenamedDevice {
 public:
  using RenamedDevice::RenamedDevice;

  at::Tensor empty(int64_t numel, c10::ScalarType type) const override {
    if (device().is_cuda()) {
      EXPECT_EQ(NamedGuard::current, device().index()) << "another device is the thread's current one";
    }
    const auto bytes = numel * static_cast<int64_t>(c10::elementSize(type));
    auto* block = new Block{this, std::vector<char>(static_cast<size_t>(bytes))};
    meter_.add(bytes);
    c10::Storage storage(c10::Storage::use_byte_size_t(), static_cast<size_t>(bytes),
                         c10::DataPtr(block->bytes.data(), block, &release, device()), nullptr, false);
    const c10::DispatchKeySet keys(device().is_cuda() ? c10::DispatchKey::CUDA : c10::DispatchKey::CPU);
    auto tensor = at::detail::make_tensor<c10::TensorImpl>(std::move(storage), keys, c10::scalarTypeToTypeMeta(type));
    tensor.unsafeGetTensorImpl()->set_sizes_contiguous({numel});
    return tensor;
  }
  bool gives_back(const c10::DataPtr& data) const override {
    return data.get_deleter() == &release && static_cast<Block*>(data.get_context())->device == this;
  }

 private:
  struct Block {
    const NamedDevice* device;
    std::vector<char> bytes;
  };
  static void release(void* context) {
    const std::unique_ptr<Block> block(static_cast<Block*>(context));
    block->device->meter_.sub(static_cast<int64_t>(block->bytes.size()));
  }
};

bool value(int64_t seed, int64_t i) { return (i * (seed + 3)) % 7 < 3; }

struct TwoDevices : testing::Test {
  NamedGuardInstalled named;
  std::array<NamedDevice, 3> devices{NamedDevice(c10::Device(c10::kCUDA, 0)), NamedDevice(c10::Device(c10::kCUDA, 1)),
                                     NamedDevice(c10::kCPU)};
  std::array<std::shared_ptr<Session>, 3> sessions;
  test::EngineInstalled engine;

  TwoDevices() { declare_op(kOp, {Need::kBool}); }
  ~TwoDevices() override {
    for (const auto& session : sessions)
      if (session) switch_off(session);
    EXPECT_EQ(current_session(), nullptr);
  }

  // Sessions of all devices, switched on in this order, with plans that code the first saves of kOp as bits.
  void begin(const std::vector<size_t>& order) {
    for (const size_t d : order) {
      sessions[d] = std::make_shared<Session>(devices[d], 0);
      switch_on(sessions[d]);
      Plan plan;
      for (int64_t occurrence = 0; occurrence < 4; ++occurrence) {
        Sites& sites = *sessions[d]->sites;
        PlanEntry entry;
        entry.site = sites[sites.intern(sites.intern_layer(""), op_info(kOp), occurrence, 0)].name;
        entry.spec = CodecSpec{"bits", {}};
        plan.entries.push_back(entry);
      }
      sessions[d]->store->set_policy(std::make_shared<Policy>(plan));
    }
  }

  // What an op on device d saves; nobody else holds it.
  SavedVariable save(size_t d, int64_t seed) {
    const c10::DeviceGuard on(devices[d].device());
    const auto tensor = devices[d].empty(kNumel, c10::kBool);
    auto* data = static_cast<bool*>(tensor.mutable_data_ptr());
    for (int64_t i = 0; i < kNumel; ++i) data[i] = value(seed, i);
    const OpScope op(kOp);
    const c10::DeviceGuard elsewhere(devices[1 - std::min<size_t>(d, 1)].device());
    return {tensor, false};
  }
  int64_t charged(size_t d) const { return sessions[d]->store->charged_ledger().totals().current; }
  void expect_value(const SavedVariable& saved, size_t d, int64_t seed) {
    const auto tensor = saved.unpack();
    EXPECT_EQ(tensor.device(), devices[d].device());
    const auto* data = static_cast<const bool*>(tensor.const_data_ptr());
    int64_t wrong = 0;
    for (int64_t i = 0; i < kNumel; ++i) wrong += data[i] != value(seed, i);
    EXPECT_EQ(wrong, 0) << "device " << devices[d].device() << ", seed " << seed;
  }
};

TEST_F(TwoDevices, EachKeepsItsOwnAndIsChargedForIt) {
  begin({0, 1, 2});
  std::vector<SavedVariable> saved;
  for (int64_t seed = 0; seed < 6; ++seed) saved.push_back(save(static_cast<size_t>(seed) % 2, seed));
  EXPECT_GT(charged(0), 0);
  EXPECT_EQ(charged(0), charged(1));
  EXPECT_EQ(charged(2), 0);
  saved.erase(saved.begin() + 1, saved.begin() + 2);
  EXPECT_LT(charged(1), charged(0));
  for (size_t i = 0; i < saved.size(); ++i) {
    const auto seed = static_cast<int64_t>(i == 0 ? 0 : i + 1);
    expect_value(saved[i], static_cast<size_t>(seed) % 2, seed);
  }
  saved.clear();
  EXPECT_EQ(charged(0) + charged(1), 0);
  EXPECT_EQ(devices[0].meter_.current() + devices[1].meter_.current(), 0);
}

// Whichever device a backward runs on, what was saved on the others can be coded before it needs memory.
TEST_F(TwoDevices, ABackwardHasThePayloadsOfAllOfThemCoded) {
  begin({2, 0, 1});
  const auto a = save(0, 1), b = save(1, 2);
  EXPECT_EQ(charged(0), kNumel) << "raw until the next save or backward";
  torch::ones({2}).requires_grad_().sum().backward();
  for (const size_t d : {0, 1}) {
    EXPECT_LE(charged(d), kNumel / 8 + 1024);
    EXPECT_EQ(devices[d].meter_.current(), charged(d)) << "its bytes are not on its own device";
  }
  expect_value(a, 0, 1);
  expect_value(b, 1, 2);
}

TEST_F(TwoDevices, GuardsEndInAnyOrder) {
  std::vector<size_t> begun{0, 1, 2};
  do {
    std::vector<size_t> ended{0, 1, 2};
    do {
      begin(begun);
      std::array<SavedVariable, 3> before;
      for (size_t d = 0; d < 3; ++d) before[d] = save(d, static_cast<int64_t>(d));
      for (size_t over = 0; over < 3; ++over) {
        switch_off(sessions[ended[over]]);
        for (size_t i = 0; i < 3; ++i) {
          const size_t d = ended[i];
          const int64_t with_one = charged(d);
          const auto saved = save(d, 10);
          EXPECT_EQ(charged(d) > with_one, i > over) << "after " << over + 1 << " ends, device " << devices[d].device();
          expect_value(saved, d, 10);
        }
        for (size_t d = 0; d < 3; ++d) expect_value(before[d], d, static_cast<int64_t>(d));
      }
      before = {};
      for (size_t d = 0; d < 3; ++d) EXPECT_EQ(charged(d), 0);
      const std::array<std::weak_ptr<Session>, 3> gone{sessions[0], sessions[1], sessions[2]};
      sessions = {};
      for (size_t d = 0; d < 3; ++d)
        EXPECT_TRUE(gone[d].expired()) << "the thread still holds the session of " << devices[d].device();
    } while (std::ranges::next_permutation(ended).found);
  } while (std::ranges::next_permutation(begun).found);
}

}  // namespace
}  // namespace cinch::hooks
